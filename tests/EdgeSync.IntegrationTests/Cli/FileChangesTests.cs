using EdgeSync.Node.Repositories;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>
/// A node that has nothing to do wakes rarely: where the kernel reports each write, a file is checked once a minute;
/// checked every three seconds, an idle leaf took twice the processor time of a nats-server leafnode.
/// </summary>
public sealed class FileChangesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("changes");

    public void Dispose() => _folder.Dispose();

    [Test]
    public void A_local_disk_is_trusted_to_report_writes_and_others_are_not()
    {
        Skip.Unless(Directory.Exists("/dev/shm") && Directory.Exists("/proc"), "needs two file systems of known kinds");

        var inMemory = $"/dev/shm/edgesync-{Guid.NewGuid():N}";
        using (File.Create(inMemory, 1, FileOptions.DeleteOnClose)) Assert.True(FileChanges.IsLocal(inMemory));
        Assert.False(FileChanges.IsLocal("/proc/self/status"));
        Assert.False(FileChanges.IsLocal("/no/such/folder/r.fossil"));
    }

    [Test]
    public async Task A_write_ends_the_wait_though_no_time_passes()
    {
        Skip.Unless(OperatingSystem.IsLinux(), "the kernel's watches are Linux's");
        using var repository = Repository.Create(
            _folder["r.fossil"], new RepositoryCreateOptions { AdminUser = "tester" });
        using var changes = new FileChanges(_folder["r.fossil"], new StoppedClock());
        var wait = changes.WaitAsync(TestContext.Current!.Execution.CancellationToken);

        repository.Database.Execute("CREATE TABLE written(x)");

        await wait;
        Assert.Equal(
            TimeSpan.FromSeconds(FileChanges.IsLocal(_folder["r.fossil"]) ? 60 : 3), changes.LookEvery);
    }

    /// <summary>A clock whose timers never end.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new NoTimer();

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
