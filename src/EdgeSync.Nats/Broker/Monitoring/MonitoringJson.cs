using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>The reports as JSON: names in snake case, two blanks of indent, nulls left out. They are only ever written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Serialization)]
[JsonSerializable(typeof(VarzReport))]
[JsonSerializable(typeof(ConnzReport))]
[JsonSerializable(typeof(SubszReport))]
[JsonSerializable(typeof(LeafzReport))]
[JsonSerializable(typeof(HealthReport))]
public sealed partial class MonitoringJson : JsonSerializerContext
{
    // µ and > are written as they are: this is read by people too.
    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write<T>(T report, JsonTypeInfo<T> type)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, Readable)) JsonSerializer.Serialize(writer, report, type);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
