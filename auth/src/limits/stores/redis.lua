-- Numbers are whole and below 2^53, so that they are exact here.
local now = tonumber(ARGV[1])

-- What is kept under a key: tries, before when there may be none, when all is forgotten.
local function held(key)
  local value = redis.call('GET', key)
  if not value then return nil end
  local count, not_before, expires = string.match(value, '^(%d+) (%-?%d+) (%-?%d+)$')
  if not count then error('a limit is damaged') end
  if now >= tonumber(expires) then return nil end
  return { count = tonumber(count), not_before = tonumber(not_before), expires = tonumber(expires) }
end

local function keep(key, tries)
  local value = string.format('%.0f %.0f %.0f', tries.count, tries.not_before, tries.expires)
  redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(1, tries.expires - now)))
end

-- The arguments from `at` on, as numbers.
local function numbers(at, many)
  local list = {}
  for i = 1, many do list[i] = tonumber(ARGV[at + i - 1]) end
  return unpack(list)
end
