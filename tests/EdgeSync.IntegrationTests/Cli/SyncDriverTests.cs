using System.IO.Pipelines;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Node.Sync;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>What a session holds while it waits for its peer.</summary>
public sealed class SyncDriverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("driver");

    public void Dispose() => _folder.Dispose();

    // A command beside a daemon and stock's commands: a peer that sends a byte a minute must not lock them out.
    [Test]
    [Arguments(SyncActions.Pull)]
    [Arguments(SyncActions.Pull | SyncActions.Push)]
    public async Task Others_can_write_while_a_reply_arrives(SyncActions actions)
    {
        var path = _folder["a.fossil"];
        Repository.Create(path, new RepositoryCreateOptions { AdminUser = "tester" }).Dispose();
        using var repository = Repository.Open(path);
        using var peer = new SlowPeer(() => Write(path));
        var driver = new SyncDriver(
            new InlineExecutor(repository), new ClientOptions { Actions = actions }, peer, TimeProvider.System);

        var tally = await driver.RunAsync(TestContext.Current!.Execution.CancellationToken);

        Assert.Null(tally.Report.Fault);
        Assert.NotEqual(0, peer.Replies);
        Assert.Equal(peer.Replies.ToString(), repository.Settings["beside"]);
    }

    private static void Write(string path)
    {
        using var other = Repository.Open(path, RepositoryOptions.Default with { BusyTimeout = TimeSpan.Zero });
        using var transaction = other.Begin();
        other.Settings.Set("beside", $"{int.Parse(other.Settings["beside"] ?? "0") + 1}");
        transaction.Commit();
    }

    /// <summary>Calls back in the middle of each reply: after its first line, if it is taken in pieces.</summary>
    private sealed class SlowPeer(Action meanwhile) : ITransport
    {
        private static readonly byte[] Line = "# a line of a reply\n"u8.ToArray();

        public int Replies { get; private set; }

        public string Route => "http";

        public string Target => "http://slow";

        public string? Responder => null;

        public long WireBytesSent => 0;

        public long WireBytesReceived => 0;

        public Action? Progressed { get; set; }

        public Task<TransportReply> ExchangeAsync(
            ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken)
        {
            Replies++;
            if (!mayStream)
            {
                meanwhile();
                return Task.FromResult(new TransportReply(Line));
            }

            // A flush ends when the reader has taken what is there.
            var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));
            var sending = SendAsync(pipe.Writer, cancellationToken);
            return Task.FromResult(new TransportReply(pipe.Reader, async () => await sending));
        }

        public void Dispose()
        {
        }

        private async Task SendAsync(PipeWriter writer, CancellationToken cancellationToken)
        {
            await writer.WriteAsync(Line, cancellationToken);
            meanwhile();
            await writer.CompleteAsync();
        }
    }
}
