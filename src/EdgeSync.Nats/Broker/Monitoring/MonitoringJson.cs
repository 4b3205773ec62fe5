using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>The reports as JSON: names in snake case, two blanks of indent, nulls left out. They are only ever written.</summary>
public static class MonitoringJson
{
    // µ and > are written as they are: this is read by people too.
    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(IJsonObject report) => Encoding.UTF8.GetString(JsonWriting.ToBytes(report, Readable));
}
