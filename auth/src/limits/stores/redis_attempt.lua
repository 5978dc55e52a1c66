local function backed_off(before, at)
  local free, first, longest, lock_after, locked_for, forgotten_after = numbers(at, 6)
  local count = math.min((before and before.count or 0) + 1, 4294967295)
  local wait = 0
  if count >= lock_after then
    wait = locked_for
  elseif count >= free then
    wait = math.min(first * 2 ^ (count - free), longest)
  end
  local kept = math.max(forgotten_after, wait)
  if count >= lock_after then kept = wait end
  return { count = count, not_before = now + wait, expires = now + kept }
end

local function at_rate(before, at)
  local period, tolerance = numbers(at, 2)
  local count = math.min((before and before.count or 0) + 1, 4294967295)
  local arrival = (before and before.expires or now) + period
  return { count = count, not_before = arrival - tolerance, expires = arrival }
end

local tries, wait = {}, 0
for _, key in ipairs(KEYS) do
  tries[key] = held(key)
  if tries[key] then wait = math.max(wait, tries[key].not_before - now) end
end
if wait > 0 then return { wait } end

local answer = { 0 }
for i, key in ipairs(KEYS) do
  local before, at = tries[key], 2 + (i - 1) * 7
  -- The same key twice may have to wait for itself: then it is counted once.
  if not before or before.not_before <= now then
    if ARGV[at] == 'backoff' then
      tries[key] = backed_off(before, at + 1)
    else
      tries[key] = at_rate(before, at + 1)
    end
    keep(key, tries[key])
  end
  table.insert(answer, tries[key].count)
  table.insert(answer, tries[key].not_before)
  table.insert(answer, tries[key].expires)
end
return answer
