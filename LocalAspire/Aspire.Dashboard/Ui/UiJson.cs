using System.Text.Json;
using System.Text.Json.Serialization;
using Aspire.Dashboard.Otlp;
using Aspire.Dashboard.Store;

namespace Aspire.Dashboard.Ui;

/// <summary>How the pages get their data.</summary>
static class UiJson
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Converters = { new AnyValueConverter(), new JsonStringEnumConverter() },
    };

    sealed class AnyValueConverter : JsonConverter<AnyValue>
    {
        public override bool HandleNull => true;

        public override AnyValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, AnyValue value, JsonSerializerOptions options) => AttributeText.Write(writer, value);
    }
}

sealed record AttributeView(string Key, AnyValue? Value)
{
    public static IEnumerable<AttributeView> Of(IEnumerable<KeyValue> attributes) => attributes.Select(a => new AttributeView(a.Key, a.Value));
}
