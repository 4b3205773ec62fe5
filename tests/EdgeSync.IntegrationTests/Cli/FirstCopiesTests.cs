using System.Collections.Concurrent;
using EdgeSync.Node.Daemon;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>A daemon whose disk fails to read a repository at the start waits for the disk.</summary>
public sealed class FirstCopiesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("first-copies");
    private readonly StringWriter _lines = new();
    private readonly HurriedClock _clock = new();
    private readonly RepositorySettings _settings;

    public FirstCopiesTests()
    {
        _settings = new RepositorySettings { Path = _folder["a.fossil"] };
        File.WriteAllText(_settings.Path, "");
    }

    [Test]
    public async Task A_disk_that_fails_is_tried_again_until_it_reads()
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        var failures = 4;
        FirstCopies copies = null!;
        var states = new ConcurrentQueue<string>();
        await using var owned = copies = Copies(() =>
        {
            states.Enqueue(copies.Status.Single().State!);
            return failures-- > 0 ? DiskFault() : null;
        });

        copies.Add(_settings, DiskFault());
        await copies.Done.WaitAsync(token);

        // Twice as long each time, up to five seconds: what a disk lost is back sooner than a hub.
        Assert.Equal([1, 2, 4, 5, 5], _clock.Pauses.Select(p => p.TotalSeconds));
        Assert.Equal("unavailable", Assert.Single(states.Distinct()));
        Assert.Empty(copies.Status);
        Assert.Null(copies.Sentence);
        Assert.Single(_lines.ToString().Split("\"event\":\"repository.unreadable\"")[1..]);
    }

    [Test]
    public async Task A_waiting_repository_fails_its_check_and_clients_hear_why()
    {
        await using var copies = Copies(DiskFault);
        _clock.IsStopped = true;

        copies.Add(_settings, DiskFault());

        var check = Assert.Single(copies.Checks);
        Assert.Equal("unavailable:a", check.Name);
        Assert.Equal("the disk fails", check.Detail);
        Assert.Equal("The disk fails to read the repository; try again later.", copies.Sentence);
        copies.Keep([]);
        Assert.Empty(copies.Checks);
    }

    [Test]
    public async Task A_file_that_is_no_repository_ends_the_wait()
    {
        var damage = new EdgeSyncException(ErrorKind.Corrupt, "not a repository");
        await using var copies = Copies(() => damage);

        copies.Add(_settings, DiskFault());

        Assert.Same(damage, await copies.Refused.WaitAsync(TestContext.Current!.Execution.CancellationToken));
    }

    // Another fault of SQLite may be one of the disk; only a failed read or write is.
    [Test]
    [Arguments(10, true)]
    [Arguments(10 | (1 << 8), true)]
    [Arguments(11, false)]
    [Arguments(14, false)]
    public void Only_a_failed_read_or_write_is_waited_for(int code, bool expected) =>
        Assert.Equal(expected, FirstCopies.MayCome(_settings, DiskFault(code)));

    public void Dispose() => _folder.Dispose();

    private static SqliteException DiskFault(int code) => new(ErrorKind.System, "the disk fails", null, code);

    private static SqliteException DiskFault() => DiskFault(10);

    private FirstCopies Copies(Func<EdgeSyncException?> fails) => new(
        (_, _) => fails() is { } fault ? Task.FromException(fault) : Task.CompletedTask, _clock,
        new NodeLog(_lines, TimeProvider.System, new LogSettings(
            LogStyle.Json, Microsoft.Extensions.Logging.LogLevel.Information)).CreateLogger(),
        e => Assert.Fail(e.ToString()));

    /// <summary>Pauses are noted, and over at once.</summary>
    private sealed class HurriedClock : TimeProvider
    {
        public ConcurrentQueue<TimeSpan> Pauses { get; } = new();

        public bool IsStopped { get; set; }

        public override ITimer CreateTimer(
            TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > TimeSpan.Zero) Pauses.Enqueue(dueTime);
            var isOver = dueTime > TimeSpan.Zero && !IsStopped;
            return base.CreateTimer(callback, state, isOver ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, period);
        }
    }
}
