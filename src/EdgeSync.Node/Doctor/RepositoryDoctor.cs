using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;
using static EdgeSync.Node.Doctor.DoctorVerdict;

namespace EdgeSync.Node.Doctor;

/// <summary>Checks one repository file; changes nothing beyond opening it.</summary>
internal static class RepositoryDoctor
{
    private const long QuickCheckBytesMax = 512L << 20;
    private const long LogBytesMax = 64L << 20;

    private static readonly TimeSpan LockWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FutureMax = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan CheckinLockAge = TimeSpan.FromDays(1);

    public static IReadOnlyList<NodeCheck> Examine(string path, bool isThorough, TimeProvider clock)
    {
        var label = Path.GetFileName(path);
        if (!File.Exists(path))
            return [Fail(Name("repository"), $"{path} does not exist", $"edgesync repo new {path}, or clone it")];

        var checks = new List<NodeCheck>();
        AddLeftovers(checks, path, Name);
        try
        {
            using (var repository = Repository.Open(
                path, RepositoryOptions.ReadOnly with { Clock = clock, BusyTimeout = LockWait }))
            {
                checks.Add(
                    Ok(
                        Name("repository"),
                        $"{path}, project {repository.ProjectCode[..Math.Min(10, repository.ProjectCode.Length)]}, "
                            + $"{DisplayText.Bytes(new FileInfo(path).Length)}"));
                AddIntegrity(checks, repository, path, isThorough, Name);
                AddDates(checks, repository, clock, Name);
                AddCheckinLocks(checks, repository, clock, Name);
            }

            AddWritable(checks, path, clock, Name);
        }
        catch (EdgeSyncException e)
        {
            checks.Add(Fail(Name("repository"), e.Message, e.Hint));
        }

        return checks;

        string Name(string check) => $"{check}:{label}";
    }

    private static void AddWritable(List<NodeCheck> checks, string path, TimeProvider clock, Func<string, string> name)
    {
        try
        {
            using var repository = Repository.Open(
                path,
                RepositoryOptions.Default with
                {
                    Clock = clock,
                    BusyTimeout = LockWait,
                    Journal = Storage.Sqlite.DatabaseJournal.AsFound
                });
            using var probe = repository.Begin();   // takes the write lock, and releases it
            checks.Add(Ok(name("writable")));
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Unavailable)
        {
            checks.Add(Warn(name("writable"), $"locked by another program: {e.Message}", $"fuser {path}"));
        }
        catch (EdgeSyncException e)
        {
            checks.Add(
                Fail(
                    name("writable"), e.Message,
                    $"the file and its folder must belong to the user of the service: "
                        + $"{Path.GetDirectoryName(Path.GetFullPath(path))}"));
        }
    }

    private static void AddIntegrity(
        List<NodeCheck> checks, Repository repository, string path, bool isThorough, Func<string, string> name)
    {
        if (!isThorough && new FileInfo(path).Length > QuickCheckBytesMax)
        {
            checks.Add(
                Ok(
                    name("integrity"),
                    $"not looked at: the file has {DisplayText.Bytes(new FileInfo(path).Length)} (--full does)"));
            return;
        }

        var complaint = repository.Database.QueryText("PRAGMA quick_check(1)");
        checks.Add(complaint == "ok"
            ? Ok(name("integrity"), "quick check; 'edgesync repo verify' reads every artifact")
            : Fail(name("integrity"), $"SQLite: {complaint}", $"edgesync repo verify -R {path}"));
    }

    private static void AddDates(
        List<NodeCheck> checks, Repository repository, TimeProvider clock, Func<string, string> name)
    {
        var now = Instant.FromDateTime(clock.GetUtcNow());
        if (RepositoryOverview.Of(repository).LastDate is not { } newest || newest - now <= FutureMax) return;

        checks.Add(Warn(
            name("dates"),
            $"the newest check-in is dated {newest}, {DisplayText.Span(newest - now)} ahead of this machine",
            "compare the clocks of its author's machine and of this one"));
    }

    // Spec: xfer.c stores a pending committer as a setting, and drops it after a day.
    private static void AddCheckinLocks(
        List<NodeCheck> checks, Repository repository, TimeProvider clock, Func<string, string> name)
    {
        var before = clock.GetUtcNow().ToUnixTimeSeconds() - (long)CheckinLockAge.TotalSeconds;
        using var stale = repository.Database.Prepare(
            "SELECT count(*) FROM config WHERE name GLOB 'ci-lock-*' AND mtime<?1");
        stale.Bind(1, before);
        stale.Step();
        if (stale.Int64(0) is > 0 and var count)
            checks.Add(
                Warn(
                    name("check-in locks"), $"{count} are older than a day",
                    "commits here pass them with --override-lock"));
    }

    private static void AddLeftovers(List<NodeCheck> checks, string path, Func<string, string> name)
    {
        if (new FileInfo(path + "-wal") is { Exists: true, Length: > LogBytesMax } log)
        {
            checks.Add(Warn(
                name("write-ahead log"),
                $"{DisplayText.Bytes(log.Length)} wait for a checkpoint: a reader may block it",
                "end programs that keep the repository open; the next clean stop checkpoints it"));
        }

        if (File.Exists(path + "-journal"))
            checks.Add(
                Warn(
                    name("journal"), "a program was interrupted in a transaction",
                    "keep the file: the next program to open the repository rolls the change back"));
        if (File.Exists(path + ".part"))
            checks.Add(
                Warn(
                    name("clone"), $"{path}.part is a clone that was not finished",
                    "run the same clone command again: it resumes"));
    }
}
