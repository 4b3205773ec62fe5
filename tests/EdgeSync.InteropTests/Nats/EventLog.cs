using System.Threading.Channels;
using EdgeSync.Net.Nats;

namespace EdgeSync.InteropTests.Nats;

/// <summary>Records the events of a connection, and waits for the one that a test needs.</summary>
internal sealed class EventLog
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<NatsNetEvent> _events = Channel.CreateUnbounded<NatsNetEvent>();

    public void Hear(NatsNetEvent e) => _events.Writer.TryWrite(e);

    /// <summary>Skips what came before.</summary>
    public async Task<NatsNetEvent> WaitForAsync(NatsNetEventKind kind)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(
            TestContext.Current!.Execution.CancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            var e = await _events.Reader.ReadAsync(patience.Token);
            if (e.Kind == kind) return e;
        }
    }
}
