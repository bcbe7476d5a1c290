-- For wrk: submits the same job over and over and tells in one line of JSON what came of it.
-- Environment: JOB_BODY, JOB_AUTHORIZATION
wrk.method = "POST"
wrk.body = os.getenv("JOB_BODY")
wrk.headers["Authorization"] = os.getenv("JOB_AUTHORIZATION")
wrk.headers["Content-Type"] = "application/json"

function done(summary, latency)
    local errors = summary.errors
    print(string.format(
        '{"requests":%d,"errors":%d,"microseconds":%d,"p50":%d,"p99":%d}',
        summary.requests, errors.status + errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
        latency:percentile(50), latency:percentile(99)))
end
