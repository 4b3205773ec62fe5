using System.Globalization;
using System.Text;

namespace EdgeSync.Node.Metrics;

/// <summary>
/// Metrics as Prometheus reads them. Spec: prometheus.io, text format 0.0.4: <c># HELP</c>, <c># TYPE</c>, then
/// <c>name{label="value"} number</c>, a line each.
/// </summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const string Prefix = "edgesync_";

    public static string Write(IEnumerable<MetricFamily> families)
    {
        var text = new StringBuilder(8 * 1024);
        foreach (var family in families)
        {
            if (family.Points.Count == 0) continue;

            var name = NameOf(family.Name);
            text.Append("# HELP ").Append(name).Append(' ').Append(Escape(family.Help, quotes: false)).Append('\n');
            text.Append("# TYPE ").Append(name).Append(' ').Append(Word(family.Kind)).Append('\n');
            foreach (var point in family.Points)
            {
                if (family.Kind == MetricKind.Histogram) WriteHistogram(text, name, family.Bounds, point);
                else WriteLine(text, name, point.Tags, null, point.Value);
            }
        }

        return text.ToString();
    }

    /// <summary>
    /// <c>sync.sessions.total</c> becomes <c>edgesync_sync_sessions_total</c>; what every process has keeps its common
    /// name.
    /// </summary>
    public static string NameOf(string dotted) =>
        dotted.StartsWith("process.", StringComparison.Ordinal) ? Plain(dotted) : Prefix + Plain(dotted);

    private static void WriteHistogram(
        StringBuilder text, string name, IReadOnlyList<double> bounds, in MetricPoint point)
    {
        var below = 0L;
        for (var i = 0; i < bounds.Count; i++)
        {
            below += point.BucketCounts[i];
            WriteLine(text, name + "_bucket", point.Tags, Number(bounds[i]), below);
        }

        WriteLine(text, name + "_bucket", point.Tags, "+Inf", point.Count);
        WriteLine(text, name + "_sum", point.Tags, null, point.Value);
        WriteLine(text, name + "_count", point.Tags, null, point.Count);
    }

    private static void WriteLine(
        StringBuilder text, string name, IReadOnlyList<KeyValuePair<string, string>> tags, string? bound, double value)
    {
        text.Append(name);
        if (tags.Count > 0 || bound is not null)
        {
            var separator = '{';
            foreach (var (key, tag) in tags)
            {
                text.Append(separator).Append(Plain(key)).Append("=\"").Append(Escape(tag, quotes: true)).Append('"');
                separator = ',';
            }

            if (bound is not null) text.Append(separator).Append("le=\"").Append(bound).Append('"');
            text.Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    private static string Word(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Histogram => "histogram",
        _ => "gauge",
    };

    private static string Plain(string name) =>
        string.Create(name.Length, name, (target, source) =>
        {
            for (var i = 0; i < source.Length; i++) target[i] = char.IsAsciiLetterOrDigit(source[i]) ? source[i] : '_';
        });

    private static string Escape(string value, bool quotes)
    {
        value = value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? value.Replace("\"", "\\\"", StringComparison.Ordinal) : value;
    }
}
