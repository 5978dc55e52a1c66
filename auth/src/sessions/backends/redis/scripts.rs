//! What must happen in one step, in the server. Every script knows the application's clock, never the server's.
//!
//! A user's sessions stand in a sorted set by the moment they expire. It goes with the last of them.

use redis::Script;

/// What `save` answers.
pub(super) const DONE: u8 = 0;
pub(super) const CONFLICT: u8 = 1;
pub(super) const LIMIT_REACHED: u8 = 3;

/// Reads a record: its head if it is whole, whether it is alive, whose login it holds.
const READ: &str = r"
local function head_of(key)
  local head = redis.pcall('GETRANGE', key, 0, 1094)
  if type(head) == 'string' and #head >= 75 and head:byte(1) == 2 then return head end
end

local function is_alive(head, now)
  return head and struct.unpack('>i8', head, 10) > tonumber(now)
end

local function user_of(head)
  local length = head and struct.unpack('>I2', head, 74)
  if length and length ~= 65535 then return head:sub(76, 75 + length) end
end
";

/// Keeps the sets of users in step. `users` is what their keys begin with.
const INDEX: &str = r"
local function forget(users, user, id)
  if user then redis.call('ZREM', users .. user, id) end
end

local function note(users, user, id, moved, left, now)
  if not user then return end
  local key = users .. user
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, string.format('%.0f', struct.unpack('>i8', moved)), id)
  if redis.call('PTTL', key) < tonumber(left) then redis.call('PEXPIRE', key, left) end
end

local function live_of(key, sessions, user, now)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local live = {}
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    local head = head_of(sessions .. id)
    if is_alive(head, now) and user_of(head) == user then
      live[#live + 1] = id
    else
      redis.call('ZREM', key, id)
    end
  end
  return live
end
";

/// The record's key; now, users, id; the record, its lifetime in milliseconds, the version to replace or nothing; the most
/// other sessions of its user or nothing, whether the oldest make room, what records' keys begin with.
const SAVE: &str = r"
local now, users, id, record, left = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local head = head_of(KEYS[1])
local alive = is_alive(head, now)
if ARGV[6] == '' then
  if alive then return 1 end
else
  if not alive then return 2 end
  if head:sub(2, 9) ~= ARGV[6] then return 1 end
end
local old, new = user_of(head), user_of(record)
if ARGV[7] ~= '' and new then
  local others = {}
  for _, other in ipairs(live_of(users .. new, ARGV[9], new, now)) do
    if other ~= id then
      others[#others + 1] = { other, struct.unpack('>i8', redis.call('GETRANGE', ARGV[9] .. other, 25, 32)) }
    end
  end
  local over = #others - tonumber(ARGV[7])
  if over > 0 and ARGV[8] == '' then return 3 end
  table.sort(others, function(a, b) return a[2] < b[2] end)
  for i = 1, over do
    forget(users, new, others[i][1])
    redis.call('DEL', ARGV[9] .. others[i][1])
  end
end
if tonumber(left) > 0 then
  if old ~= new then forget(users, old, id) end
  note(users, new, id, record:sub(10, 17), left, now)
  redis.call('SET', KEYS[1], record, 'PX', left)
else
  forget(users, old, id)
  redis.call('DEL', KEYS[1])
end
return 0
";

/// The record's key; now, users, id; the moments as they stand in the record, where, the new lifetime in milliseconds.
const TOUCH: &str = r"
local head = head_of(KEYS[1])
if not is_alive(head, ARGV[1]) then return 0 end
if tonumber(ARGV[6]) > 0 then
  note(ARGV[2], user_of(head), ARGV[3], ARGV[4], ARGV[6], ARGV[1])
  redis.call('SETRANGE', KEYS[1], ARGV[5], ARGV[4])
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
else
  forget(ARGV[2], user_of(head), ARGV[3])
  redis.call('DEL', KEYS[1])
end
return 1
";

/// The record's key; now, users, id.
const DELETE: &str = r"
local head = head_of(KEYS[1])
forget(ARGV[2], user_of(head), ARGV[3])
redis.call('DEL', KEYS[1])
return is_alive(head, ARGV[1]) and 1 or 0
";

/// The set's key; now, what records' keys begin with, the user, the most bytes of a record.
const LIST_OF: &str = r"
local found = {}
for _, id in ipairs(live_of(KEYS[1], ARGV[2], ARGV[3], ARGV[1])) do
  found[#found + 1] = id
  found[#found + 1] = redis.call('GETRANGE', ARGV[2] .. id, 0, ARGV[4])
end
return found
";

/// The set's key; now, what records' keys begin with, the user.
const COUNT_OF: &str = r"
return #live_of(KEYS[1], ARGV[2], ARGV[3], ARGV[1])
";

/// The record's key, the set's key; now, the user, id.
const DELETE_OF: &str = r"
local head = head_of(KEYS[1])
if user_of(head) ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[2], ARGV[3])
redis.call('DEL', KEYS[1])
return is_alive(head, ARGV[1]) and 1 or 0
";

/// The set's key; now, what records' keys begin with, the user, the id to leave alone or nothing.
const DELETE_ALL_OF: &str = r"
local ended = 0
for _, id in ipairs(live_of(KEYS[1], ARGV[2], ARGV[3], ARGV[1])) do
  if id ~= ARGV[4] then
    redis.call('ZREM', KEYS[1], id)
    redis.call('DEL', ARGV[2] .. id)
    ended = ended + 1
  end
end
return ended
";

pub(super) struct Scripts {
    pub(super) save: Script,
    pub(super) touch: Script,
    pub(super) delete: Script,
    pub(super) list_of: Script,
    pub(super) count_of: Script,
    pub(super) delete_of: Script,
    pub(super) delete_all_of: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = |code| Script::new(&format!("{READ}{INDEX}{code}"));
        Self {
            save: script(SAVE),
            touch: script(TOUCH),
            delete: script(DELETE),
            list_of: script(LIST_OF),
            count_of: script(COUNT_OF),
            delete_of: script(DELETE_OF),
            delete_all_of: script(DELETE_ALL_OF),
        }
    }
}
