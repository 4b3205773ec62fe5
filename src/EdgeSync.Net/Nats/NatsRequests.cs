using EdgeSync.Nats;
using EdgeSync.Nats.Wire;

namespace EdgeSync.Net.Nats;

/// <summary>Awaitable requests over a bus.</summary>
public static class NatsRequests
{
    /// <summary>The first reply, or why there is none. Failures of the network are outcomes, not exceptions.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; a later reply is dropped.</exception>
    public static async Task<NatsReply> RequestAsync(
        this INatsBus bus, string subject, ReadOnlyMemory<byte> data, NatsHeaders? headers, TimeSpan timeout,
        TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var replied = new TaskCompletionSource<NatsReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        var outcome = bus.TryRequest(subject, data, headers, reply => replied.TrySetResult(reply), out var request);
        if (outcome != NatsOutcome.Ok) return NatsReply.Failed(outcome);

        try
        {
            return await replied.Task.WaitAsync(timeout, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return NatsReply.Failed(NatsOutcome.TimedOut);
        }
        finally
        {
            bus.Forget(request);
        }
    }
}
