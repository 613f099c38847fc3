-- SPDX-License-Identifier: Apache-2.0
-- Makes a service with a name of its own in each request, and reports as report.lua does.

local folder = debug.getinfo(1, "S").source:match("^@(.*/)")
dofile(folder .. "report.lua")

local made = 0

function request()
  made = made + 1
  local body = string.format('{"name":"made-%d","host":"upstream.test","tags":["bench"]}', made)
  return wrk.format("POST", "/services", { ["Content-Type"] = "application/json" }, body)
end
