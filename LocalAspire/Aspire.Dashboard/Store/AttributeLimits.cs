using Aspire.Dashboard.Otlp;
using Google.Protobuf.Collections;

namespace Aspire.Dashboard.Store;

static class AttributeLimits
{
    /// <summary>Drops attributes beyond the number that is kept and cuts texts beyond the length.</summary>
    public static void Apply(RepeatedField<KeyValue> attributes, TelemetryLimitOptions limits)
    {
        while (attributes.Count > limits.MaxAttributeCount)
            attributes.RemoveAt(attributes.Count - 1);
        if (limits.MaxAttributeLength == int.MaxValue)
            return;
        foreach (var attribute in attributes)
            Cut(attribute.Value, limits);
    }

    public static void Cut(AnyValue? value, TelemetryLimitOptions limits)
    {
        switch (value?.ValueCase)
        {
            case AnyValue.ValueOneofCase.StringValue when value.StringValue.Length > limits.MaxAttributeLength:
                value.StringValue = value.StringValue[..limits.MaxAttributeLength];
                break;
            case AnyValue.ValueOneofCase.ArrayValue:
                foreach (var item in value.ArrayValue.Values)
                    Cut(item, limits);
                break;
            case AnyValue.ValueOneofCase.KvlistValue:
                Apply(value.KvlistValue.Values, limits);
                break;
        }
    }
}
