-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends and how it reports. BENCH_REQUESTS names a file with one "path" or "path<TAB>api key" a line, sent in
-- turn; BENCH_BODY is the size of a POST body. Without either wrk sends its one prepared request, which is cheapest.

local list = os.getenv("BENCH_REQUESTS")
local body_bytes = tonumber(os.getenv("BENCH_BODY") or "0")

if body_bytes > 0 then
  wrk.method = "POST"
  wrk.body = string.rep("x", body_bytes)
end

if list then
  local prepared = {}
  local at = 0

  function init(_)
    for line in io.lines(list) do
      local path, key = line:match("^([^\t]*)\t?(.*)$")
      local headers = {}
      for name, value in pairs(wrk.headers) do headers[name] = value end
      if key ~= "" then headers["apikey"] = key end
      prepared[#prepared + 1] = wrk.format(nil, path, headers)
    end
  end

  function request()
    at = at % #prepared + 1
    return prepared[at]
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"bytes":%d,"failed":%d,"p50_us":%.1f,"p99_us":%.1f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
