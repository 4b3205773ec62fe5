using System.Diagnostics.Metrics;

namespace EdgeSync.Node.Metrics.Otlp;

/// <summary>
/// The numbers of a status as observable instruments, one for each row of <see cref="NodeGauges.All"/>. One collection
/// sees one status: it is read again when an instrument is observed for the second time.
/// </summary>
internal sealed class StatusInstruments : IDisposable
{
    private readonly Func<IReadOnlyList<MetricFamily>> _read;
    private readonly Meter _leaf = new(Instruments.LeafScope, BuildInfo.Version);
    private readonly Meter _bridge = new(Instruments.BridgeScope, BuildInfo.Version);
    private readonly Lock _lock = new();
    private readonly HashSet<string> _observed = [];
    private Dictionary<string, MetricFamily> _families = [];

    /// <param name="read">Called on the thread that collects; may take its time.</param>
    public StatusInstruments(Func<IReadOnlyList<MetricFamily>> read)
    {
        _read = read;
        foreach (var metric in NodeGauges.All)
        {
            var meter = metric.Scope == Instruments.BridgeScope ? _bridge : _leaf;
            if (metric.Kind == MetricKind.Counter)
                meter.CreateObservableCounter(metric.Name, () => Observe(metric.Name), metric.Unit, metric.Help);
            else meter.CreateObservableGauge(metric.Name, () => Observe(metric.Name), metric.Unit, metric.Help);
        }
    }

    public void Dispose()
    {
        _leaf.Dispose();
        _bridge.Dispose();
    }

    private IEnumerable<Measurement<double>> Observe(string name)
    {
        lock (_lock)
        {
            if (_observed.Count == 0 || !_observed.Add(name))
            {
                _families = _read().ToDictionary(f => f.Name);
                _observed.Clear();
                _observed.Add(name);
            }

            return _families.TryGetValue(name, out var family) ? [.. family.Points.Select(Measure)] : [];
        }
    }

    private static Measurement<double> Measure(MetricPoint point) =>
        new(point.Value, point.Tags.Select(t => new KeyValuePair<string, object?>(t.Key, t.Value)));
}
