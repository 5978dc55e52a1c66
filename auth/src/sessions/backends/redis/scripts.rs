//! What must happen in one step, in the server.

use redis::Script;

/// What `save` answers.
pub(super) const DONE: u8 = 0;
pub(super) const CONFLICT: u8 = 1;

/// The head of the record, if it is whole and alive. `now` is the application's clock, not the server's.
const COMMON: &str = r"
local function head_of(key)
  local head = redis.pcall('GETRANGE', key, 0, 42)
  if type(head) == 'string' and #head == 43 and head:byte(1) == 1 then return head end
end

local function is_alive(head, now)
  return head and struct.unpack('>i8', head, 10) > tonumber(now)
end
";

/// Key; record, its lifetime in milliseconds, now, the version to replace or nothing.
const SAVE: &str = r"
local head = head_of(KEYS[1])
local alive = is_alive(head, ARGV[3])
if ARGV[4] == '' then
  if alive then return 1 end
else
  if not alive then return 2 end
  if head:sub(2, 9) ~= ARGV[4] then return 1 end
end
if tonumber(ARGV[2]) > 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
else
  redis.call('DEL', KEYS[1])
end
return 0
";

/// Key; the moments as they stand in the record, where, the new lifetime in milliseconds, now.
const TOUCH: &str = r"
if not is_alive(head_of(KEYS[1]), ARGV[4]) then return 0 end
redis.call('SETRANGE', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
";

/// Key; now.
const DELETE: &str = r"
local alive = is_alive(head_of(KEYS[1]), ARGV[1])
redis.call('DEL', KEYS[1])
return alive and 1 or 0
";

pub(super) struct Scripts {
    pub(super) save: Script,
    pub(super) touch: Script,
    pub(super) delete: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = |code| Script::new(&format!("{COMMON}{code}"));
        Self { save: script(SAVE), touch: script(TOUCH), delete: script(DELETE) }
    }
}
