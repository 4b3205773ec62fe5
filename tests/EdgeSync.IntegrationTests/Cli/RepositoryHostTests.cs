using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Node.Repositories;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sync;
using EdgeSync.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>Which request waits for which at a served repository.</summary>
public sealed class RepositoryHostTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("host");

    public void Dispose() => _folder.Dispose();

    [Test]
    public async Task A_pull_does_not_wait_for_the_long_round_of_another_client()
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        Repository.Create(_folder["a.fossil"], new RepositoryCreateOptions { AdminUser = "tester" }).Dispose();
        var log = NullLogger.Instance;
        var server = new RepositoryHostOptions { Server = new ServerOptions { OwnerLogin = "tester" } };
        await using var host = await RepositoryHost.OpenAsync(
            _folder["a.fossil"], server, TimeProvider.System, log, token);
        var project = await host.Writer.RunAsync(r => r.ProjectCode, token);
        using var ends = new ManualResetEventSlim();
        using var began = new ManualResetEventSlim();
        var round = host.Writer.RunAsync(
            _ =>
            {
                began.Set();
                ends.Wait(token);
            },
            token);
        began.Wait(token);

        // The first pull of all has the turn to make clusters, which writes.
        Assert.Equal("pull", (await PullAsync()).Operation);
        Assert.False(round.IsCompleted);

        ends.Set();
        await round;
        await host.Writer.RunAsync(Fill, token);
        Assert.Equal("pull", (await PullAsync()).Operation);
        Assert.Equal(
            1,
            await host.Writer.RunAsync(
                r => r.Database.QueryInt64("SELECT count(*) FROM tagxref WHERE tagid=7"), token));

        async Task<ServerOutcome> PullAsync()
        {
            using var reply = new PooledBytes();
            var message = System.Text.Encoding.ASCII.GetBytes($"pull {new string('a', 40)} {project}\n");
            return await host.AnswerAsync(
                message, "127.0.0.1", new LoginAccount(TimeProvider.System).GateOf("127.0.0.1", "a"), reply,
                long.MaxValue, default, token);
        }
    }

    private static void Fill(Repository repository)
    {
        using var store = new RepositoryArtifactStore(repository);
        Assert.True(store.Begin(StoreAccess.Write, Instant.FromUnixSeconds(1_795_000_000)));
        Assert.True(store.TrySetSender(new Sender(0, null, "127.0.0.1")));
        for (var i = 0; i < 150; i++)
        {
            var text = System.Text.Encoding.ASCII.GetBytes($"text {i}");
            store.PutText(ArtifactHash.Compute(HashKind.Sha3, text), text, isPrivate: false, out _);
        }

        Assert.True(store.TryCommit(out _));
    }
}
