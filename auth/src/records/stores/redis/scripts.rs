//! What must happen in one step, in the server. Every script knows the application's clock, never the server's.
//!
//! A record is one value: version, end, the end that its owner's index knows (8 bytes each, moments in milliseconds), its
//! mark, the length of the owner (two bytes; 65535 for none), the owner, the value. The mark has 32 hexadecimal digits:
//! when it was inserted, and 64 random bits; so no two insertions have the same one.
//!
//! An owner's records stand in a sorted set, the owner's index. A member is a mark with the id of the record behind it. Its
//! score is the moment from which the record cannot stand. A member is a hint, which the record confirms by its mark or
//! not. It is noted before the record is inserted, and taken out by whoever removed that very record, or when it has been
//! without one for longer than any call takes: there may be a member without a record, never a record without a member.

use crate::redis::Script;

/// What `replace` answers besides.
pub(super) const DONE: u8 = 0;
pub(super) const CHANGED: u8 = 1;
pub(super) const GONE: u8 = 2;
/// Nothing was written, since the index would forget the record before its end; then its mark and its owner.
pub(super) const UNNOTED: u8 = 3;

/// Lua counts from one.
const READ: &str = r"
local function head_of(key)
  local head = redis.pcall('GETRANGE', key, 0, 57)
  if type(head) == 'table' then return nil, head end
  if #head == 58 then return head end
  if #head > 0 then return nil, redis.error_reply('a damaged record') end
end

local function is_alive(head, now)
  return head and struct.unpack('>i8', head, 9) > tonumber(now)
end

local function end_of_owner(head)
  local length = struct.unpack('>I2', head, 57)
  return length == 65535 and 58 or 58 + length, length ~= 65535
end
";

/// The record's key; now, the record, its lifetime in milliseconds.
const INSERT: &str = r"
local head, damaged = head_of(KEYS[1])
if damaged then return damaged end
if is_alive(head, ARGV[1]) then return 0 end
if tonumber(ARGV[3]) > 0 then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[1])
end
return 1
";

/// The record's key; now, the version to replace, the new version and end as they stand in the record, the new value, its
/// lifetime in milliseconds, and the end that the index knows, if it was told.
const REPLACE: &str = r"
local head, damaged = head_of(KEYS[1])
if damaged then return damaged end
if not is_alive(head, ARGV[1]) then return { 2, '', '' } end
if head:sub(1, 8) ~= ARGV[2] then return { 1, '', '' } end
local ends, owned = end_of_owner(head)
local owner = ends > 58 and redis.call('GETRANGE', KEYS[1], 58, ends - 1) or ''
local noted = ARGV[6] ~= '' and ARGV[6] or head:sub(17, 24)
if owned and struct.unpack('>i8', ARGV[3], 9) > struct.unpack('>i8', noted, 1) then
  return { 3, head:sub(25, 56), owner }
end
if tonumber(ARGV[5]) > 0 then
  redis.call('SET', KEYS[1], ARGV[3] .. noted .. head:sub(25, 58) .. owner .. ARGV[4], 'PX', ARGV[5])
else
  redis.call('DEL', KEYS[1])
end
return { 0, '', '' }
";

/// The record's key; the mark that it must have, if any. Answers the whole record.
const TAKE: &str = r"
local head, damaged = head_of(KEYS[1])
if damaged then return damaged end
if not head or (ARGV[1] and head:sub(25, 56) ~= ARGV[1]) then return '' end
local record = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
return record
";

/// The index; now, the member, its score, the lifetime of the index in milliseconds.
const NOTE: &str = r"
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
local old = redis.call('ZSCORE', KEYS[1], ARGV[2])
if not old or tonumber(old) < tonumber(ARGV[3]) then redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2]) end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 0
";

pub(super) struct Scripts {
    pub(super) insert: Script,
    pub(super) replace: Script,
    pub(super) take: Script,
    pub(super) note: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let about_a_record = |code| Script::new(format!("{READ}{code}"));
        Self {
            insert: about_a_record(INSERT),
            replace: about_a_record(REPLACE),
            take: about_a_record(TAKE),
            note: Script::new(NOTE.to_owned()),
        }
    }
}
