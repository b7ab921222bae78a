-- Steps of sessions for wrk: one session after the other, a step of 28 numbers a request. The sessions' names come from a file,
-- one a line: SESSIONS=FILE wrk -t1 -c64 -d5s -s steps.lua http://127.0.0.1:8080

local paths = {}
for name in io.lines(os.getenv("SESSIONS")) do
    paths[#paths + 1] = "/v1/models/m/sessions/" .. name .. "/step"
end
local numbers = {}
for i = 1, 28 do
    numbers[i] = string.format("%.6f", (i * 37 % 28) / 28)
end
local body = '{"x":[' .. table.concat(numbers, ",") .. "]}"
local headers = { ["content-type"] = "application/json" }

local at = 0
request = function()
    at = at % #paths + 1
    return wrk.format("POST", paths[at], headers, body)
end

-- What is not answered with 200 counts for nothing: wrk says how many there were.
