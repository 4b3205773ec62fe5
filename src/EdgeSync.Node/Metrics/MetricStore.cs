using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace EdgeSync.Node.Metrics;

/// <summary>
/// Adds up what the instruments of this program record. A daemon has one; without it, recording goes nowhere.
/// </summary>
internal sealed class MetricStore : IDisposable
{
    /// <summary>
    /// Tags are ours, so that many series would be a mistake: what comes beyond is left out, and counted.
    /// </summary>
    public const int SeriesMax = 2000;

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<(Instrument Instrument, string Tags), Series> _series = new();
    private long _dropped;

    public MetricStore()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith(Instruments.ScopePrefix, StringComparison.Ordinal))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Everything as it stands, by name and then by tags.</summary>
    public IReadOnlyList<MetricFamily> Snapshot() =>
    [
        .. _series
            .GroupBy(s => s.Key.Instrument)
            .OrderBy(g => g.Key.Name, StringComparer.Ordinal)
            .Select(g => new MetricFamily(
                g.Key.Meter.Name, g.Key.Name, g.First().Value.IsHistogram
                ? MetricKind.Histogram
                : MetricKind.Counter, g.Key.Unit,
                g.Key.Description ?? "", g.First().Value.Bounds,
                [.. g.OrderBy(s => s.Key.Tags, StringComparer.Ordinal).Select(s => s.Value.ToPoint())])),
    ];

    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = (instrument, TextOf(tags));
        if (!_series.TryGetValue(key, out var series))
        {
            if (_series.Count >= SeriesMax)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }

            series = _series.GetOrAdd(key, new Series(BoundsOf(instrument), ListOf(tags)));
        }

        series.Record(value);
    }

    private static double[]? BoundsOf(Instrument instrument) => instrument switch
    {
        Histogram<double> histogram => [.. histogram.Advice?.HistogramBucketBoundaries ?? []],
        Histogram<long> histogram => [.. (histogram.Advice?.HistogramBucketBoundaries ?? []).Select(b => (double)b)],
        _ => null,
    };

    private static string TextOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return "";

        var text = new StringBuilder();
        foreach (var (name, value) in tags) text.Append(name).Append('\0').Append(Text(value)).Append('\0');
        return text.ToString();
    }

    private static KeyValuePair<string, string>[] ListOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var list = new KeyValuePair<string, string>[tags.Length];
        for (var i = 0; i < tags.Length; i++) list[i] = new(tags[i].Key, Text(tags[i].Value));
        return list;
    }

    private static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    /// <param name="bounds">Upper bounds, inclusive; null for a counter.</param>
    private sealed class Series(double[]? bounds, KeyValuePair<string, string>[] tags)
    {
        private readonly Lock _lock = new();
        private readonly long[] _buckets = bounds is null ? [] : new long[bounds.Length + 1];
        private double _sum;
        private long _count;

        public bool IsHistogram => bounds is not null;

        public double[] Bounds => bounds ?? [];

        public void Record(double value)
        {
            lock (_lock)
            {
                _sum += value;
                _count++;
                if (bounds is null) return;

                var index = Array.BinarySearch(bounds, value);
                _buckets[index >= 0 ? index : ~index]++;
            }
        }

        public MetricPoint ToPoint()
        {
            lock (_lock) return new MetricPoint(tags, _sum, _count, [.. _buckets]);
        }
    }
}
