//! What must happen in one step, in the server. Every script knows the application's clock, never the server's.
//!
//! A user's sessions stand in a sorted set, the user's index. It has two kinds of members:
//!
//! - `<digest>`, an entry: a session of theirs may stand under that digest. Its score is the moment from which none can.
//! - `?<digest><nonce>`, a mark: somebody noted the entry and is about to save the record. Its score is the moment from
//!   which they have given up.
//!
//! An entry is a hint, which the record confirms or not. There may be an entry without a record, never for long a record
//! without an entry: it is noted before the record is saved, and is not taken out while a mark stands.

use crate::redis::Script;
use crate::sessions::encoding::{self, at};

/// What `save` answers; then whose login the record held that was there.
pub(super) const DONE: u8 = 0;
pub(super) const CONFLICT: u8 = 1;
pub(super) const GONE: u8 = 2;
/// The record was not saved, since nothing says that its user's index has it.
pub(super) const UNNOTED: u8 = 3;

/// What `touch` answers; then whose index is to be told.
pub(super) const ENDED: u8 = 2;

/// Reads a record: its head if it is whole, whether it is alive, whose login it holds.
const READ: &str = r"
local function head_of(key)
  local head = redis.pcall('GETRANGE', key, 0, HEAD - 1)
  if type(head) == 'string' and #head >= USER + 1 and head:byte(1) == FORMAT then return head end
end

local function moment(bytes, at)
  return struct.unpack('>i8', bytes, at)
end

local function is_alive(head, now)
  return head and moment(head, EXPIRES) > tonumber(now)
end

local function user_of(head)
  local length = head and struct.unpack('>I2', head, USER)
  if length and length ~= 65535 then return head:sub(USER + 2, USER + 1 + length) end
end
";

/// The record's key; now, the record, its lifetime in milliseconds, the version to replace or nothing, whether it is noted.
const SAVE: &str = r"
local record, left = ARGV[2], tonumber(ARGV[3])
local head = head_of(KEYS[1])
local alive, old, new = is_alive(head, ARGV[1]), user_of(head), user_of(record)
if ARGV[4] == '' then
  if alive then return { 1, old or false } end
else
  if not alive then return { 2, false } end
  if head:sub(VERSION, VERSION + 7) ~= ARGV[4] then return { 1, old or false } end
end
if left > 0 then
  if new and ARGV[5] ~= '1' then
    local lasts = math.max(moment(record, EXPIRES), moment(record, ENDS))
    if not alive or old ~= new or moment(head, ENDS) < lasts then return { 3, false } end
  end
  redis.call('SET', KEYS[1], record, 'PX', left)
else
  redis.call('DEL', KEYS[1])
end
return { 0, old or false }
";

/// The record's key; now, the moments as they stand in the record, the new lifetime in milliseconds.
const TOUCH: &str = r"
local head, left = head_of(KEYS[1]), tonumber(ARGV[3])
if not is_alive(head, ARGV[1]) then return { 0, false } end
if left <= 0 then
  redis.call('DEL', KEYS[1])
  return { 2, user_of(head) or false }
end
redis.call('SETRANGE', KEYS[1], EXPIRES - 1, ARGV[2])
redis.call('PEXPIRE', KEYS[1], left)
return { 1, moment(ARGV[2], 1) > moment(head, ENDS) and user_of(head) or false }
";

/// The record's key; now, and the user, if it may be that user's only.
const DELETE: &str = r"
local head = head_of(KEYS[1])
local user = user_of(head)
if ARGV[2] and user ~= ARGV[2] then return { 0, false } end
redis.call('DEL', KEYS[1])
return { is_alive(head, ARGV[1]) and 1 or 0, user or false }
";

/// The record's key; now. Answers whose login a live record holds, when it began, and from when on it cannot stand.
const WHOSE: &str = r"
local head = head_of(KEYS[1])
if not is_alive(head, ARGV[1]) then return { false, 0, 0 } end
local lasts = math.max(moment(head, EXPIRES), moment(head, ENDS))
return { user_of(head) or false, moment(head, CREATED), lasts }
";

/// The index; now, the entry, its score, the mark, its score, the lifetime of the index in milliseconds, and the most
/// other entries, if there is such a number. Answers all members when there are too many.
const NOTE: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if ARGV[7] then
  local members, others = redis.call('ZRANGE', KEYS[1], 0, -1), 0
  for _, member in ipairs(members) do
    if member ~= ARGV[2] and member:sub(1, 1) ~= '?' then others = others + 1 end
  end
  if others >= tonumber(ARGV[7]) then return members end
end
local old = redis.call('ZSCORE', KEYS[1], ARGV[2])
if not old or tonumber(old) < tonumber(ARGV[3]) then redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2]) end
redis.call('ZADD', KEYS[1], ARGV[5], ARGV[4])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
return {}
";

/// The index; now, the mark that does not count, or `*` if none does; entries. Answers those that were taken out.
const LEAVE: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
local held = {}
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if member:sub(1, 1) == '?' then
    local entry = member:sub(2, 65)
    held[entry] = held[entry] or {}
    table.insert(held[entry], member)
  end
end
local out = {}
for i = 3, #ARGV do
  local marks = held[ARGV[i]] or {}
  local left = #marks
  for _, mark in ipairs(marks) do
    if ARGV[2] == '*' or ARGV[2] == mark then
      redis.call('ZREM', KEYS[1], mark)
      left = left - 1
    end
  end
  if left == 0 and redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then out[#out + 1] = ARGV[i] end
end
return out
";

pub(super) struct Scripts {
    pub(super) save: Script,
    pub(super) touch: Script,
    pub(super) delete: Script,
    pub(super) whose: Script,
    pub(super) note: Script,
    pub(super) leave: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        // Lua counts from one.
        let places = [
            ("VERSION", at::VERSION + 1),
            ("EXPIRES", at::EXPIRES + 1),
            ("CREATED", at::CREATED + 1),
            ("ENDS", at::ENDS + 1),
            ("USER", at::USER + 1),
            ("HEAD", encoding::HEAD + encoding::MAX_USER_ID),
            ("FORMAT", encoding::FORMAT.into()),
        ];
        let places = places.map(|(name, place)| format!("local {name} = {place}\n")).concat();
        let about_a_record = |code| Script::new(format!("{places}{READ}{code}"));
        let about_an_index = |code: &str| Script::new(code.to_owned());
        Self {
            save: about_a_record(SAVE),
            touch: about_a_record(TOUCH),
            delete: about_a_record(DELETE),
            whose: about_a_record(WHOSE),
            note: about_an_index(NOTE),
            leave: about_an_index(LEAVE),
        }
    }
}
