using System.Diagnostics.Metrics;
using EdgeSync.Node.Metrics;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class PrometheusTextTests
{
    [Test]
    public void A_histogram_is_written_with_buckets_that_add_up()
    {
        using var meter = new Meter(Instruments.ScopePrefix + "prometheus-histogram");
        using var store = new MetricStore();
        var histogram = meter.CreateHistogram(
            "some.seconds", "s", "How long.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });

        foreach (var value in (double[])[0.05, 0.1, 0.5, 7])
            histogram.Record(value, new KeyValuePair<string, object?>("kind", "a"));

        Assert.Equal(
            """
            # HELP edgesync_some_seconds How long.
            # TYPE edgesync_some_seconds histogram
            edgesync_some_seconds_bucket{kind="a",le="0.1"} 2
            edgesync_some_seconds_bucket{kind="a",le="1"} 3
            edgesync_some_seconds_bucket{kind="a",le="+Inf"} 4
            edgesync_some_seconds_sum{kind="a"} 7.65
            edgesync_some_seconds_count{kind="a"} 4

            """.ReplaceLineEndings("\n"),
            PrometheusText.Write(store.Snapshot().Where(f => f.Scope == meter.Name)));
    }

    [Test]
    public void Counters_are_kept_apart_by_their_tags()
    {
        using var meter = new Meter(Instruments.ScopePrefix + "prometheus-counter");
        using var store = new MetricStore();
        var counter = meter.CreateCounter<long>("some.total");

        counter.Add(2, new KeyValuePair<string, object?>("route", "http"));
        counter.Add(3, new KeyValuePair<string, object?>("route", "nats"));
        counter.Add(5, new KeyValuePair<string, object?>("route", "http"));

        var family = store.Snapshot().Single(f => f.Scope == meter.Name);
        Assert.Equal([("http", 7.0), ("nats", 3.0)], family.Points.Select(p => (p.Tags[0].Value, p.Value)));
    }

    [Test]
    public void Values_of_labels_cannot_break_out_of_their_quotes()
    {
        var family = new MetricFamily(
            Instruments.LeafScope, "x", MetricKind.Gauge, null, "Two\nlines.", [],
            [MetricPoint.Of(1, ("repository", "a\"b\\c\nd"))]);

        Assert.Equal(
            "# HELP edgesync_x Two\\nlines.\n# TYPE edgesync_x gauge\nedgesync_x{repository=\"a\\\"b\\\\c\\nd\"} 1\n",
            PrometheusText.Write([family]));
    }

    [Test]
    public void Series_beyond_the_limit_are_dropped_and_counted()
    {
        using var meter = new Meter(Instruments.ScopePrefix + "prometheus-many");
        using var store = new MetricStore();
        var counter = meter.CreateCounter<long>("many.total");

        for (var i = 0; i < MetricStore.SeriesMax + 10; i++) counter.Add(1, new KeyValuePair<string, object?>("n", i));

        Assert.True(store.Snapshot().Sum(f => f.Points.Count) <= MetricStore.SeriesMax);
        Assert.True(store.Dropped >= 10);
    }
}
