using System.Diagnostics;
using AspireJobs.ServiceDefaults;

namespace AspireJobs.Tests.Telemetry;

/// <summary>W3C Trace Context, level 2: what is taken over from the headers of a request, case by case of its text.</summary>
public sealed class TraceContextTests
{
    const string Trace = "12345678901234567890123456789012";
    const string Parent = "1234567890123456";
    const string Valid = $"00-{Trace}-{Parent}-01";

    public static TheoryData<string, string[], string?> TraceParents => new()
    {
        // 3.2.1 the header's name; field names of HTTP have no case
        { "traceparent", [], null },
        { "traceparent", [Valid], Valid },
        { "traceparent", [Valid, $"00-{Trace}-1234567890123457-01"], null },
        { "trace-parent", [Valid], null },
        { "trace.parent", [Valid], null },
        { "TraceParent", [Valid], Valid },
        { "TrAcEpArEnT", [Valid], Valid },
        { "TRACEPARENT", [Valid], Valid },
        // 3.2.2.1 and 3.2.4 version
        { "traceparent", [$"{Valid}."], null },
        { "traceparent", [$"{Valid}-what-the-future-will-be-like"], null },
        { "traceparent", [$"cc-{Trace}-{Parent}-01"], Valid },
        { "traceparent", [$"cc-{Trace}-{Parent}-01-what-the-future-will-be-like"], Valid },
        { "traceparent", [$"cc-{Trace}-{Parent}-01.what-the-future-will-not-be-like"], null },
        { "traceparent", [$"ff-{Trace}-{Parent}-01"], null },
        { "traceparent", [$".0-{Trace}-{Parent}-01"], null },
        { "traceparent", [$"0.-{Trace}-{Parent}-01"], null },
        { "traceparent", [$"000-{Trace}-{Parent}-01"], null },
        { "traceparent", [$"0000-{Trace}-{Parent}-01"], null },
        { "traceparent", [$"0-{Trace}-{Parent}-01"], null },
        // 3.2.2.3 trace-id
        { "traceparent", [$"00-{new string('0', 32)}-{Parent}-01"], null },
        { "traceparent", [$"00-.{Trace[1..]}-{Parent}-01"], null },
        { "traceparent", [$"00-{Trace[..^1]}.-{Parent}-01"], null },
        { "traceparent", [$"00-{Trace[..^1]}A-{Parent}-01"], null },
        { "traceparent", [$"00-{Trace}3-{Parent}-01"], null },
        { "traceparent", [$"00-{Trace[1..]}-{Parent}-01"], null },
        // 3.2.2.4 parent-id
        { "traceparent", [$"00-{Trace}-{new string('0', 16)}-01"], null },
        { "traceparent", [$"00-{Trace}-.{Parent[1..]}-01"], null },
        { "traceparent", [$"00-{Trace}-{Parent[..^1]}.-01"], null },
        { "traceparent", [$"00-{Trace}-{Parent}7-01"], null },
        { "traceparent", [$"00-{Trace}-{Parent[1..]}-01"], null },
        // 3.2.2.5 trace-flags: all bits go on as they came
        { "traceparent", [$"00-{Trace}-{Parent}-.0"], null },
        { "traceparent", [$"00-{Trace}-{Parent}-0."], null },
        { "traceparent", [$"00-{Trace}-{Parent}-001"], null },
        { "traceparent", [$"00-{Trace}-{Parent}-1"], null },
        { "traceparent", [$"00-{Trace}-{Parent}-00"], $"00-{Trace}-{Parent}-00" },
        { "traceparent", [$"00-{Trace}-{Parent}-03"], $"00-{Trace}-{Parent}-03" },
        // white space around a field's value
        { "traceparent", [$" {Valid}"], Valid },
        { "traceparent", [$"\t{Valid}"], Valid },
        { "traceparent", [$"{Valid} \t"], Valid },
    };

    public static TheoryData<string, string[], string?> TraceStates => new()
    {
        // 3.3.1 the header's name
        { "tracestate", ["foo=1,bar=2"], "foo=1,bar=2" },
        { "trace-state", ["foo=1"], null },
        { "trace.state", ["foo=1"], null },
        { "TraceState", ["foo=1"], "foo=1" },
        { "TrAcEsTaTe", ["foo=1"], "foo=1" },
        { "TRACESTATE", ["foo=1"], "foo=1" },
        // 3.3.1.1 list: empty members, several headers, equal keys
        { "tracestate", [""], null },
        { "tracestate", ["foo=1", ""], "foo=1" },
        { "tracestate", ["", "foo=1"], "foo=1" },
        { "tracestate", ["foo=1,", ",bar=2"], "foo=1,bar=2" },
        { "tracestate", ["foo=1", "bar=2"], "foo=1,bar=2" },
        { "tracestate", ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3" },
        { "tracestate", ["foo=1,foo=2"], "foo=1,foo=2" },
        { "tracestate", ["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3" },
        { "tracestate", ["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3" },
        { "tracestate", [" foo=1"], "foo=1" },
        { "tracestate", ["foo=1 \t"], "foo=1" },
        { "tracestate", [Members(32)], Members(32) },
        { "tracestate", [Members(16), Members(16)], $"{Members(16)},{Members(16)}" },
        { "tracestate", [Members(33)], null },
        // 3.3.1.3.1 key
        { "tracestate", ["abcdefghijklmnopqrstuvwxyz0123456789_-*/=1"], "abcdefghijklmnopqrstuvwxyz0123456789_-*/=1" },
        { "tracestate", ["0a@foo-_*/bar=1"], "0a@foo-_*/bar=1" },
        { "tracestate", ["foo =1"], null },
        { "tracestate", ["FOO=1"], null },
        { "tracestate", ["foo.bar=1"], null },
        { "tracestate", ["@foo=1,bar=2"], null },
        { "tracestate", ["_foo=1"], null },
        { "tracestate", ["=1"], null },
        { "tracestate", ["foo"], null },
        { "tracestate", [$"{new string('z', 256)}=1"], $"{new string('z', 256)}=1" },
        { "tracestate", [$"{new string('z', 257)}=1"], null },
        // 3.3.1.3.2 value
        { "tracestate", ["foo=!\"#$%&'()*+-./0123456789:;<>?@[\\]^_`{|}~ a"], "foo=!\"#$%&'()*+-./0123456789:;<>?@[\\]^_`{|}~ a" },
        { "tracestate", [$"foo={new string('v', 256)}"], $"foo={new string('v', 256)}" },
        { "tracestate", [$"foo={new string('v', 257)}"], null },
        { "tracestate", ["foo=bar=baz"], null },
        { "tracestate", ["foo=,bar=3"], null },
        { "tracestate", ["foo=\u00e9"], null },
    };

    [Theory]
    [MemberData(nameof(TraceParents))]
    public void A_trace_parent_is_taken_over_or_refused(string header, string[] values, string? expected) =>
        Assert.Equal(expected, Extract((header, values)).Parent);

    [Theory]
    [MemberData(nameof(TraceStates))]
    public void A_trace_state_is_taken_over_whole_or_not_at_all(string header, string[] values, string? expected)
    {
        var (parent, state) = Extract(("traceparent", [Valid]), (header, values));

        Assert.Equal((Valid, expected), (parent, state));
    }

    [Fact]
    public void A_trace_state_without_a_valid_parent_says_nothing()
    {
        Assert.Equal((null, null), Extract(("tracestate", ["foo=1"])));
        Assert.Equal((null, null), Extract(("traceparent", ["garbage"]), ("tracestate", ["foo=1"])));
    }

    [Fact]
    public void Requests_one_after_the_other_have_nothing_in_common()
    {
        Assert.Equal((Valid, "a=1"), Extract(("traceparent", [Valid]), ("tracestate", ["a=1"])));
        Assert.Equal((null, null), Extract());
        Assert.Equal((null, null), Extract(("traceparent", [$"00-{Trace}-{Parent}-"])));
    }

    [Fact]
    public void Outgoing_headers_name_the_span_its_flags_and_the_state_and_no_baggage()
    {
        using var activity = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).SetParentId(Valid);
        activity.TraceStateString = "foo=1";
        activity.AddBaggage("secret", "value");
        activity.Start();
        var headers = new Dictionary<string, string>();

        new TraceContextPropagator().Inject(activity, headers, (carrier, name, value) => ((Dictionary<string, string>)carrier!).Add(name, value));

        Assert.Equal(new Dictionary<string, string> { ["traceparent"] = $"00-{Trace}-{activity.SpanId}-01", ["tracestate"] = "foo=1" }, headers);
    }

    static (string? Parent, string? State) Extract(params (string Name, string[] Values)[] headers)
    {
        var request = new Microsoft.AspNetCore.Http.HeaderDictionary();
        foreach (var (name, values) in headers)
            request[name] = values;
        // As the web server asks.
        new TraceContextPropagator().ExtractTraceIdAndState(request, static (object? carrier, string name, out string? value, out IEnumerable<string>? values) =>
        {
            values = null;
            value = ((Microsoft.AspNetCore.Http.IHeaderDictionary)carrier!)[name];
        }, out var parent, out var state);
        return (parent, state);
    }

    static string Members(int count) => string.Join(',', Enumerable.Range(1, count).Select(i => $"bar{i:00}={i:00}"));
}
