local function one_less(tries, counted_not_before, counted_expires)
  if tries.not_before == counted_not_before and tries.expires == counted_expires then
    tries.not_before = math.min(tries.not_before, now)
  end
  tries.count = math.max(tries.count - 1, 0)
  if tries.count > 0 then return tries end
end

local function given_back(tries, counted_expires, period)
  local left = math.min(math.max(counted_expires - now, 0), period)
  if left == 0 then return tries end
  tries.count = math.max(tries.count - 1, 0)
  tries.not_before = tries.not_before - left
  tries.expires = tries.expires - left
  if now < tries.expires then return tries end
end

for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 4
  local what, tries = ARGV[at], nil
  if what ~= 'forget' then
    local not_before, expires, period = numbers(at + 1, 3)
    tries = held(key)
    if tries and what == 'backoff' then
      tries = one_less(tries, not_before, expires)
    elseif tries then
      tries = given_back(tries, expires, period)
    end
  end
  if tries then keep(key, tries) else redis.call('DEL', key) end
end
return 0
