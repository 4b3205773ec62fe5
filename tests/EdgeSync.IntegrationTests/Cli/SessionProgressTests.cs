using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Fossil.Sync;
using EdgeSync.Node.Sync;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>The progress line of clone, pull, push and sync.</summary>
public sealed class SessionProgressTests
{
    [Test]
    public void A_piece_on_the_wire_updates_the_line_between_two_steps()
    {
        using var wire = new Wire();
        var lines = new List<string>();
        var progress = new SessionProgress(wire, line => lines.Add(line()), () => TimeSpan.FromSeconds(2));

        progress.OnStep(new SyncProgress(2, 1, 30, 0, 0, 0));
        wire.Receive(60_000_000);

        Assert.Equal(
            ["round 2  sent 1  received 30  0 B  0 B/s", "round 2  sent 1  received 30  60 MB  30 MB/s"], lines);
    }

    private sealed class Wire : ITransport
    {
        public string Route => "http";

        public string Target => "http://hub";

        public string? Responder => null;

        public long WireBytesSent => 0;

        public long WireBytesReceived { get; private set; }

        public Action? Progressed { get; set; }

        public Task<TransportReply> ExchangeAsync(
            ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public void Receive(long bytes)
        {
            WireBytesReceived += bytes;
            Progressed!();
        }

        public void Dispose()
        {
        }
    }
}
