using EdgeSync.Primitives;

namespace EdgeSync.Nats.Client;

/// <summary>
/// When to try again. Each server of the pool is tried at once (with a little jitter), then there is a pause that doubles with
/// each round. The growth ends when a link proved stable, not when it merely opened: a server that drops everybody after the
/// handshake must not be hammered.
/// </summary>
internal sealed class ReconnectPlan(NatsClientOptions options, Prng prng)
{
    private int _failures;

    /// <summary>Attempts without a stable link since the last one.</summary>
    public int Failures => _failures;

    public bool IsExhausted => options.MaxReconnectRetry >= 0 && _failures > options.MaxReconnectRetry;

    public void OnStable() => _failures = 0;

    /// <summary>The pause before the next attempt.</summary>
    public TimeSpan AfterFailure(int servers)
    {
        _failures++;
        var jitter = options.ReconnectJitter * prng.NextDouble();
        if (_failures % servers != 0) return jitter;

        var rounds = Math.Min(_failures / servers, 30);
        var doubled = options.ReconnectWaitMin * Math.Pow(2, rounds - 1);
        var pause = doubled < options.ReconnectWaitMax ? doubled : options.ReconnectWaitMax;

        // Half of the pause is chance too: after an outage of hours all nodes stand at the longest one.
        return pause * (0.5 + prng.NextDouble() / 2) + jitter;
    }

    /// <summary>After a stable link was lost: at once, but not everybody in the same instant.</summary>
    public TimeSpan AfterLoss() => options.ReconnectJitter * prng.NextDouble();
}
