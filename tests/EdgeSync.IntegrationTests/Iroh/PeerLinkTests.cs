using EdgeSync.Agent;
using EdgeSync.Node.Brokers;
using EdgeSync.Node.Iroh;
using EdgeSync.Node.Mesh;
using static EdgeSync.IntegrationTests.Iroh.IrohPair;

namespace EdgeSync.IntegrationTests.Iroh;

/// <summary>The loop around <see cref="PeerLinkCore{TStream}"/>.</summary>
public sealed class PeerLinkTests
{
    /// <summary>
    /// The side with the greater id waits three seconds; here the clock passes them between two looks.
    /// </summary>
    [Test]
    public async Task A_side_that_has_waited_solicits_at_whatever_moment_it_looks()
    {
        await using var one = Start(Options(1));
        await using var two = Start(Options(2));
        var (lesser, greater) = one.Id < two.Id ? (one, two) : (two, one);
        var broker = new WatchedBroker();
        var clock = new SteppingClock(TimeSpan.Zero, SolicitRule.Patience - TimeSpan.FromMilliseconds(1));

        await using var link = new PeerLink(
            broker, new PeerConnections(greater, TimeProvider.System), lesser.Id, NodeRole.Peer, clock);

        await broker.Asked.Task.WaitAsync(Limit, Token);
    }

    private sealed class WatchedBroker : ITunnelledBroker
    {
        public TaskCompletionSource Asked { get; } = new();

        public Task ServeLeafAsync(Stream stream, string name) => throw new NotSupportedException();

        public TunnelLink AddTunnel(string name, Func<CancellationToken, ValueTask<Stream>> open)
        {
            Asked.TrySetResult();
            return null!;   // as long as there is none, it is asked again
        }
    }

    /// <summary>
    /// The first moments that are asked for, and each later one two milliseconds after the one before.
    /// </summary>
    private sealed class SteppingClock(params TimeSpan[] first) : TimeProvider
    {
        private int _asked;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp()
        {
            var number = Interlocked.Increment(ref _asked) - 1;
            var last = first.Length - 1;
            return number <= last
                ? first[number].Ticks
                : (first[last] + (TimeSpan.FromMilliseconds(2) * (number - last))).Ticks;
        }
    }
}
