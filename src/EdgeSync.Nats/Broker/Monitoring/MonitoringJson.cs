using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>The reports as JSON: names in snake case, two blanks of indent, nulls left out.</summary>
[JsonSerializable(typeof(VarzReport))]
[JsonSerializable(typeof(ConnzReport))]
[JsonSerializable(typeof(SubszReport))]
[JsonSerializable(typeof(LeafzReport))]
[JsonSerializable(typeof(HealthReport))]
public sealed partial class MonitoringJson : JsonSerializerContext
{
    /// <summary><c>µ</c> and <c>&gt;</c> are written as they are: this is read by people too.</summary>
    public static MonitoringJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
