using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>
/// The reports as JSON: names in snake case, two blanks of indent, nulls omitted. They are only written.
/// </summary>
public static class MonitoringJson
{
    // µ and > are not escaped, for readability.
    private static readonly JsonSerializerOptions Readable =
        new(MonitoringContext.Default.Options)
        {
            WriteIndented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
        };

    /// <param name="report">One that <see cref="MonitoringContext"/> names.</param>
    public static string Write(object report) =>
        JsonSerializer.Serialize(report, Readable.GetTypeInfo(report.GetType()));
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VarzReport))]
[JsonSerializable(typeof(ConnzReport))]
[JsonSerializable(typeof(SubszReport))]
[JsonSerializable(typeof(LeafzReport))]
[JsonSerializable(typeof(HealthReport))]
[JsonSerializable(typeof(RoutezReport))]
[JsonSerializable(typeof(GatewayzReport))]
[JsonSerializable(typeof(AccountzReport))]
[JsonSerializable(typeof(JszReport))]
internal sealed partial class MonitoringContext : JsonSerializerContext;
