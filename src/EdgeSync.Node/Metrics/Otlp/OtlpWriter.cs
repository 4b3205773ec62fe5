using System.Diagnostics;
using System.Globalization;
using EdgeSync.Node.Logging;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Metrics.Otlp;

/// <summary>
/// The three requests of OTLP, in protocol buffers. Spec: opentelemetry-proto 1.x, <c>collector/*/v1</c>; field numbers
/// stand beside what they mean.
/// <code>
/// request     1 resource block   resource block   1 resource  2 scope block      resource  1 attributes
/// scope block 1 scope            2 spans, metrics or records                     scope     1 name  2 version
/// attribute   1 key  2 value     value  1 string  2 bool  3 integer  4 double
/// </code>
/// </summary>
internal static class OtlpWriter
{
    private const int Cumulative = 2;

    public static void WriteTraces(
        ProtobufWriter writer, IReadOnlyList<KeyValuePair<string, string>> resource, IReadOnlyList<Activity> spans)
    {
        var block = BeginResource(writer, resource);
        foreach (var scope in spans.GroupBy(s => (s.Source.Name, s.Source.Version)))
        {
            var mark = BeginScope(writer, scope.Key.Name, scope.Key.Version);
            foreach (var span in scope) WriteSpan(writer, span);
            writer.End(mark);
        }

        writer.End(block);
    }

    public static void WriteMetrics(
        ProtobufWriter writer, IReadOnlyList<KeyValuePair<string, string>> resource,
        IReadOnlyList<MetricFamily> families,
        DateTimeOffset startedAt, DateTimeOffset now)
    {
        var block = BeginResource(writer, resource);
        foreach (var scope in families.Where(f => f.Points.Count > 0).GroupBy(f => f.Scope))
        {
            var mark = BeginScope(writer, scope.Key, BuildInfo.Version);
            foreach (var family in scope) WriteMetric(writer, family, Nanoseconds(startedAt), Nanoseconds(now));
            writer.End(mark);
        }

        writer.End(block);
    }

    public static void WriteLogs(
        ProtobufWriter writer, IReadOnlyList<KeyValuePair<string, string>> resource, IReadOnlyList<LogEntry> entries)
    {
        var block = BeginResource(writer, resource);
        var mark = BeginScope(writer, Instruments.LeafScope, BuildInfo.Version);
        foreach (var entry in entries) WriteEntry(writer, entry);
        writer.End(mark);
        writer.End(block);
    }

    private static int BeginResource(ProtobufWriter writer, IReadOnlyList<KeyValuePair<string, string>> attributes)
    {
        var block = writer.Begin(1);
        var resource = writer.Begin(1);
        foreach (var (key, value) in attributes) WriteAttribute(writer, 1, key, value);
        writer.End(resource);
        return block;
    }

    private static int BeginScope(ProtobufWriter writer, string name, string? version)
    {
        var block = writer.Begin(2);
        var scope = writer.Begin(1);
        writer.WriteString(1, name);
        writer.WriteString(2, version);
        writer.End(scope);
        return block;
    }

    private static void WriteSpan(ProtobufWriter writer, Activity span)
    {
        Span<byte> id = stackalloc byte[16];
        var mark = writer.Begin(2);
        span.TraceId.CopyTo(id);
        writer.WriteBytes(1, id);
        span.SpanId.CopyTo(id[..8]);
        writer.WriteBytes(2, id[..8]);
        writer.WriteString(3, span.TraceStateString);
        if (span.ParentSpanId != default)
        {
            span.ParentSpanId.CopyTo(id[..8]);
            writer.WriteBytes(4, id[..8]);
        }

        writer.WriteString(5, span.DisplayName);
        writer.WriteInteger(6, (int)span.Kind + 1);   // 0 is "unspecified" there
        writer.WriteFixed64(7, Nanoseconds(span.StartTimeUtc));
        writer.WriteFixed64(8, Nanoseconds(span.StartTimeUtc + span.Duration));
        foreach (var (key, value) in span.TagObjects) WriteAttribute(writer, 9, key, value);
        foreach (var moment in span.Events)
        {
            var at = writer.Begin(11);
            writer.WriteFixed64(1, Nanoseconds(moment.Timestamp));
            writer.WriteString(2, moment.Name);
            foreach (var (key, value) in moment.Tags) WriteAttribute(writer, 3, key, value);
            writer.End(at);
        }

        if (span.Status != ActivityStatusCode.Unset)
        {
            var status = writer.Begin(15);
            writer.WriteString(2, span.StatusDescription);
            writer.WriteInteger(3, (int)span.Status);
            writer.End(status);
        }

        writer.WriteFixed32(16, (uint)span.ActivityTraceFlags);
        writer.End(mark);
    }

    private static void WriteMetric(ProtobufWriter writer, MetricFamily family, ulong start, ulong now)
    {
        var metric = writer.Begin(2);
        writer.WriteString(1, family.Name);
        writer.WriteString(2, family.Help);
        writer.WriteString(3, family.Unit);
        var data = writer.Begin(family.Kind switch { MetricKind.Gauge => 5, MetricKind.Counter => 7, _ => 9 });
        foreach (var point in family.Points)
        {
            var mark = writer.Begin(1);
            if (family.Kind == MetricKind.Histogram) WriteHistogram(writer, family, point, start, now);
            else WriteNumber(writer, family, point, start, now);
            writer.End(mark);
        }

        if (family.Kind != MetricKind.Gauge) writer.WriteInteger(2, Cumulative);
        if (family.Kind == MetricKind.Counter) writer.WriteInteger(3, 1);   // monotonic
        writer.End(data);
        writer.End(metric);
    }

    private static void WriteNumber(
        ProtobufWriter writer, MetricFamily family, in MetricPoint point, ulong start, ulong now)
    {
        if (family.Kind == MetricKind.Counter) writer.WriteFixed64(2, start);
        writer.WriteFixed64(3, now);
        writer.WriteDouble(4, point.Value);
        foreach (var (key, value) in point.Tags) WriteAttribute(writer, 7, key, value);
    }

    private static void WriteHistogram(
        ProtobufWriter writer, MetricFamily family, in MetricPoint point, ulong start, ulong now)
    {
        writer.WriteFixed64(2, start);
        writer.WriteFixed64(3, now);
        writer.WriteFixed64(4, (ulong)point.Count);
        writer.WriteDouble(5, point.Value);
        writer.WritePacked(6, point.BucketCounts);
        writer.WritePacked(7, family.Bounds);
        foreach (var (key, value) in point.Tags) WriteAttribute(writer, 9, key, value);
    }

    private static void WriteEntry(ProtobufWriter writer, LogEntry entry)
    {
        var mark = writer.Begin(2);
        writer.WriteFixed64(1, Nanoseconds(entry.Time));
        writer.WriteInteger(2, SeverityOf(entry.Level));
        writer.WriteString(3, LogLine.WordOf(entry.Level).ToUpperInvariant());
        var body = writer.Begin(5);
        writer.WriteString(1, entry.Message);
        writer.End(body);
        WriteAttribute(writer, 6, "event", entry.Event);
        foreach (var (key, value) in entry.Fields) WriteAttribute(writer, 6, key, value);
        if (entry.Trace is { } trace)
        {
            Span<byte> id = stackalloc byte[16];
            writer.WriteFixed32(8, (uint)trace.TraceFlags);
            trace.TraceId.CopyTo(id);
            writer.WriteBytes(9, id);
            trace.SpanId.CopyTo(id[..8]);
            writer.WriteBytes(10, id[..8]);
        }

        writer.WriteFixed64(11, Nanoseconds(entry.Time));
        writer.End(mark);
    }

    // Spec: logs.proto SeverityNumber: DEBUG 5, INFO 9, WARN 13, ERROR 17.
    private static int SeverityOf(LogLevel level) => level switch
    {
        LogLevel.Debug => 5,
        LogLevel.Information => 9,
        LogLevel.Warning => 13,
        _ => 17,
    };

    private static void WriteAttribute(ProtobufWriter writer, int field, string key, object? value)
    {
        if (value is null) return;

        var attribute = writer.Begin(field);
        writer.WriteString(1, key);
        var mark = writer.Begin(2);
        switch (value)
        {
            case bool flag: writer.WriteChoice(2, flag ? 1 : 0); break;
            case int number: writer.WriteChoice(3, number); break;
            case long number: writer.WriteChoice(3, number); break;
            case double number: writer.WriteDouble(4, number); break;
            default: writer.WriteString(1, Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }

        writer.End(mark);
        writer.End(attribute);
    }

    private static ulong Nanoseconds(DateTimeOffset moment) =>
        (ulong)(moment.UtcTicks - DateTime.UnixEpoch.Ticks) * 100;

    private static ulong Nanoseconds(DateTime utc) => (ulong)(utc.Ticks - DateTime.UnixEpoch.Ticks) * 100;
}
