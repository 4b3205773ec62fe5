namespace EdgeSync.Node.Metrics;

internal enum MetricKind
{
    /// <summary>Only grows, until the process ends.</summary>
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One metric with all its points, as it stood at one moment; as <c>/metrics</c> shows it.</summary>
/// <param name="Name">Dotted, such as <c>sync.duration.seconds</c>.</param>
/// <param name="Unit">Of UCUM (<c>s</c>, <c>By</c>), or null.</param>
internal sealed record MetricFamily(
    string Scope, string Name, MetricKind Kind, string? Unit, string Help, IReadOnlyList<double> Bounds,
    IReadOnlyList<MetricPoint> Points);

/// <param name="Value">The value; of a histogram the sum.</param>
/// <param name="BucketCounts">One more than there are bounds, not added up; empty unless a histogram.</param>
internal readonly record struct MetricPoint(
    IReadOnlyList<KeyValuePair<string, string>> Tags, double Value, long Count, IReadOnlyList<long> BucketCounts)
{
    public static MetricPoint Of(double value, params ReadOnlySpan<(string Name, string Value)> tags)
    {
        var list = new KeyValuePair<string, string>[tags.Length];
        for (var i = 0; i < tags.Length; i++) list[i] = new(tags[i].Name, tags[i].Value);
        return new MetricPoint(list, value, 0, []);
    }
}
