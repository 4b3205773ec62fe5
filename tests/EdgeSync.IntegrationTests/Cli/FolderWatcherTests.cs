using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Node.Watch;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.IntegrationTests.Cli;

public sealed class FolderWatcherTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("watcher");

    public void Dispose() => _folder.Dispose();

    [Test]   // R3
    public async Task A_look_that_takes_over_a_minute_fails_the_check()
    {
        _folder.Write("work/a.txt", "1\n");
        var clock = new SettableClock();
        using var gate = new ManualResetEventSlim();
        await using var queue = RepositoryQueue.Own(
            Repository.Create(_folder["r.fossil"], new RepositoryCreateOptions { AdminUser = "tester" }));
        var blocked = queue.RunAsync(
            _ => gate.Wait(TestContext.Current!.Execution.CancellationToken),
            TestContext.Current!.Execution.CancellationToken);
        var hooks = new FolderWatchHooks((_, _) => Task.CompletedTask, () => { }, e => throw e);
        var settings = new WatchSettings { Folder = _folder["work"], Quiet = TimeSpan.Zero, User = "tester" };
        await using var watcher = new FolderWatcher(
            settings, queue, allowsFork: false, hooks, NullLogger.Instance, clock);
        await Patience.UntilAsync(
            () => watcher.Status.State == "committing", TimeSpan.FromMinutes(1),
            () => watcher.Status.State);

        clock.Now += TimeSpan.FromSeconds(59);
        var early = watcher.Check("watch").State;
        clock.Now += TimeSpan.FromSeconds(2);
        var late = watcher.Check("watch").State;

        gate.Set();   // before anything is asserted: disposing waits for the queue
        Assert.Equal(CheckState.Ok, early);
        Assert.Equal(CheckState.Failed, late);
        await blocked;
        await Patience.UntilAsync(
            () => watcher.Status.Commits == 1 && watcher.Status.State == "watching", TimeSpan.FromMinutes(1),
            () => watcher.Status.State);
        Assert.Equal(CheckState.Ok, watcher.Check("watch").State);
    }

    private sealed class SettableClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UtcNow;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
