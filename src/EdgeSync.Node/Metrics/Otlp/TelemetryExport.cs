using System.Collections.Concurrent;
using System.Diagnostics;
using EdgeSync.Node.Logging;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Metrics.Otlp;

/// <summary>
/// Sends spans, metrics and log lines to a collector, in one loop: what has gathered goes out every few seconds,
/// metrics every minute. Exists only where an endpoint was given. A collector that is away costs what its queues hold,
/// and nothing else.
/// </summary>
internal sealed class TelemetryExport : IAsyncDisposable
{
    // Policy of both queues: what comes to a full one is dropped and counted.
    private const int WaitingMax = 4096;
    private const int BatchMax = 512;
    private const int AttemptsMax = 4;
    private const string NotSent = "telemetry.not_sent";

    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryPauseMax = TimeSpan.FromSeconds(30);

    private readonly OtlpOptions _options;
    private readonly OtlpSender _sender;
    private readonly MetricStore _metrics;
    private readonly Func<CancellationToken, ValueTask<IReadOnlyList<MetricFamily>>> _gauges;
    private readonly NodeLog _logs;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly DateTimeOffset _startedAt;
    private readonly ActivityListener _listener;
    private readonly Backlog<Activity> _spans = new(WaitingMax);
    private readonly Backlog<LogEntry> _entries = new(WaitingMax);

    // The first ends the pauses, the second, up to five seconds later, what is being sent.
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly Task _loop;

    private TelemetryExport(
        OtlpOptions options, MetricStore metrics, Func<CancellationToken,
        ValueTask<IReadOnlyList<MetricFamily>>> gauges, NodeLog log, TimeProvider clock)
    {
        (_options, _metrics, _gauges, _logs, _clock) = (options, metrics, gauges, log, clock);
        _log = log.CreateLogger();
        _startedAt = clock.GetUtcNow();
        _sender = new OtlpSender(options);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name.StartsWith(Instruments.ScopePrefix, StringComparison.Ordinal),
            // A caller who decided not to record this trace is followed; whoever began none is recorded.
            Sample = (ref ActivityCreationOptions<ActivityContext> at) =>
                at.Parent.SpanId == default || (at.Parent.TraceFlags & ActivityTraceFlags.Recorded) != 0
                    ? ActivitySamplingResult.AllDataAndRecorded
                    : ActivitySamplingResult.PropagationData,
            ActivityStopped = span =>
            {
                if (span.Recorded) _spans.TryAdd(span);
            },
        };
        ActivitySource.AddActivityListener(_listener);
        // What tells of a deaf collector does not go to that collector.
        log.Tee = entry =>
        {
            if (entry.Event != NotSent) _entries.TryAdd(entry);
        };
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Spans and log lines that found the queues full, or that the collector would not take.</summary>
    public long Dropped => _spans.Dropped + _entries.Dropped;

    /// <param name="gauges">What is read at each export, beside what was counted; asked for in the export's own
    /// loop.</param>
    public static TelemetryExport Start(
        OtlpOptions options, MetricStore metrics, Func<CancellationToken,
        ValueTask<IReadOnlyList<MetricFamily>>> gauges, NodeLog log, TimeProvider clock)
    {
        var export = new TelemetryExport(options, metrics, gauges, log, clock);
        log.CreateLogger().TelemetryStarted(options.ToString());
        return export;
    }

    /// <summary>Sends what is left, within five seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _logs.Tee = null;
        _abort.CancelAfter(FlushTime);
        await _stop.CancelAsync();
        await _loop;
        _sender.Dispose();
        _stop.Dispose();
        _abort.Dispose();
    }

    private async Task RunAsync()
    {
        var metricsDueAt = _startedAt + _options.MetricInterval;
        try
        {
            bool isLast;
            do
            {
                await PauseAsync(_options.BatchPause);
                isLast = _stop.IsCancellationRequested;
                var now = _clock.GetUtcNow();
                var isMetricsTurn = now >= metricsDueAt || isLast;
                if (isMetricsTurn) metricsDueAt = now + _options.MetricInterval;
                await FlushAsync(isMetricsTurn, _abort.Token);
            }
            while (!isLast);
        }
        catch (OperationCanceledException)
        {
            // What could not be sent in time is lost; the process ends.
        }
    }

    /// <summary>Shorter when the end has come.</summary>
    private async Task PauseAsync(TimeSpan pause)
    {
        try
        {
            await Task.Delay(pause, _clock, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The owner waits for the last flush.
        }
    }

    private async Task FlushAsync(bool withMetrics, CancellationToken cancellationToken)
    {
        var writer = new ProtobufWriter();
        while (_spans.Take(BatchMax) is { Count: > 0 } spans)
        {
            writer.Clear();
            OtlpWriter.WriteTraces(writer, _options.Resource, spans);
            await SendAsync("traces", writer.Written, cancellationToken);
        }

        while (_entries.Take(BatchMax) is { Count: > 0 } entries)
        {
            writer.Clear();
            OtlpWriter.WriteLogs(writer, _options.Resource, entries);
            await SendAsync("logs", writer.Written, cancellationToken);
        }

        if (!withMetrics) return;

        writer.Clear();
        OtlpWriter.WriteMetrics(
            writer, _options.Resource, [.. _metrics.Snapshot(), .. await _gauges(cancellationToken)], _startedAt,
            _clock.GetUtcNow());
        await SendAsync("metrics", writer.Written, cancellationToken);
    }

    private async Task SendAsync(string signal, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromSeconds(1);
        for (var attempt = 1; ; attempt++)
        {
            var answer = await _sender.SendAsync(signal, body, cancellationToken);
            if (answer.IsTaken) return;

            if (!answer.MayRetry || attempt == AttemptsMax || _stop.IsCancellationRequested)
            {
                _log.TelemetryNotSent(signal, _options.Endpoint.Host, answer.Fault);
                return;
            }

            await PauseAsync(answer.RetryAfter is { } asked && asked < RetryPauseMax ? asked : pause);
            pause *= 2;
        }
    }

    /// <summary>A queue with an end to it.</summary>
    private sealed class Backlog<T>(int waitingMax)
    {
        private readonly ConcurrentQueue<T> _queue = new();
        private long _dropped;

        public long Dropped => Interlocked.Read(ref _dropped);

        public void TryAdd(T item)
        {
            if (_queue.Count >= waitingMax) Interlocked.Increment(ref _dropped);
            else _queue.Enqueue(item);
        }

        public List<T> Take(int countMax)
        {
            var taken = new List<T>();
            while (taken.Count < countMax && _queue.TryDequeue(out var item)) taken.Add(item);
            return taken;
        }
    }
}
