using EdgeSync.Primitives;
using EdgeSync.Storage.Pipeline;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Verification;

/// <summary>
/// Checks a whole repository and reports every fault; it does not stop at the first one, and changes nothing. Content
/// is expanded and hashed on all cores along the delta trees (<see cref="BlobWalk"/>), while SQLite checks the file on
/// another connection.
/// </summary>
public static class Verifier
{
    private const int ProgressEvery = 256;

    public static VerifyReport Run(Repository repository, VerifyOptions options, CancellationToken cancellationToken)
    {
        var database = repository.Database;
        var issues = new List<VerifyIssue>();
        using var fileCheck = options.ChecksDatabase ? new FileCheck(database, options.WorkersMax > 0) : null;

        var compares = options.ComparesDerived && !database.IsInMemory && !database.IsInTransaction;
        var content = compares ? CompareDerived(repository, options, issues, cancellationToken) : null;
        var isCompared = content is not null;
        content ??= VerifyContent(repository, options, issues, cancellationToken);
        options.Progress?.Invoke(new VerifyProgress(VerifyStage.Rows, 0, 1));
        Guard(database, issues, () => RowChecks.Run(database, issues));
        foreach (var complaint in fileCheck?.Complaints ?? [])
        {
            issues.Add(new VerifyIssue(
                VerifyIssueKind.DatabaseDamaged, RecordId.None, default, $"SQLite: {complaint}",
                "restore a copy, or clone again"));
        }

        options.Progress?.Invoke(new VerifyProgress(VerifyStage.Rows, 1, 1));

        issues.Sort((a, b) => a.Kind != b.Kind ? a.Kind.CompareTo(b.Kind) : a.Rid.CompareTo(b.Rid));
        return new VerifyReport(issues)
        {
            ArtifactCount = (content?.CheckedCount ?? 0) + issues.Count(issue => issue.Kind == VerifyIssueKind.Phantom),
            PhantomCount = issues.Count(issue => issue.Kind == VerifyIssueKind.Phantom),
            DerivedCompared = isCompared,
            CheckedCount = content?.CheckedCount ?? 0,
            SoundCount = content?.SoundCount ?? 0,
            StructuralCount = content?.StructuralCount ?? 0,
            CheckedBytes = content?.CheckedBytes ?? 0,
        };
    }

    // One walk serves both, the content and the rows. Null when it failed; its findings are then dropped, since the
    // content is walked again without it.
    private static ContentVerifier? CompareDerived(
        Repository repository, VerifyOptions options, List<VerifyIssue> issues, CancellationToken cancellationToken)
    {
        var found = new List<VerifyIssue>();
        try
        {
            var content = new ContentVerifier(repository.Database, found);
            DerivedCheck.Run(repository, options, found, content.Look, cancellationToken);
            issues.AddRange(
                found.Exists(
                    issue => issue.Kind == VerifyIssueKind.DerivedRowsDiffer) ? found : found.ConvertAll(AsNote));
            return content;
        }
        catch (EdgeSyncException e)
        {
            issues.Add(new VerifyIssue(
                VerifyIssueKind.NotCompared, RecordId.None, default,
                $"the derived tables were not compared: {e.Message}",
                e.Hint ?? "repair the other faults, then verify again"));
            return null;
        }
    }

    // The rows agree with the artifacts: then an artifact names that text as another one. No rebuild can change that.
    private static VerifyIssue AsNote(VerifyIssue issue) => issue.Kind != VerifyIssueKind.NotAnArtifact
        ? issue
        : issue with
        {
            Kind = VerifyIssueKind.NamedAsArtifact,
            Text = "another artifact refers to it as an artifact, and so do the derived tables",
            Hint = "harmless",
        };

    private static ContentVerifier? VerifyContent(
        Repository repository, VerifyOptions options, List<VerifyIssue> issues, CancellationToken cancellationToken)
    {
        ContentVerifier? content = null;
        Guard(repository.Database, issues, () =>
        {
            content = new ContentVerifier(repository.Database, issues);
            using var walk = BlobWalk.Start(
                repository.Database,
                new BlobWalkOptions
                {
                    WorkersMax = options.WorkersMax,
                    BudgetBytes = options.BudgetBytes,
                    TextBytesMax = repository.Options.ArtifactBytesMax,
                },
                cancellationToken);
            while (walk.TryRead(out var blob))
            {
                content.Look(blob);
                if (walk.DeliveredCount % ProgressEvery == 0 || walk.DeliveredCount == walk.Count)
                    options.Progress?.Invoke(new VerifyProgress(VerifyStage.Content, walk.DeliveredCount, walk.Count));
            }
        });
        return content;
    }

    // A page that SQLite cannot read ends one part of the work, never the report.
    private static void Guard(Database database, List<VerifyIssue> issues, Action part)
    {
        try
        {
            part();
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Corrupt)
        {
            issues.Add(new VerifyIssue(
                VerifyIssueKind.DatabaseDamaged, RecordId.None, default,
                $"a part of the check ended early: {e.Message}", $"restore a copy of {database.Path}, or clone again"));
        }
    }

    /// <summary>SQLite's check, on a thread and a connection of its own where it can have one.</summary>
    private sealed class FileCheck : IDisposable
    {
        private readonly Database _database;
        private readonly Thread? _thread;
        private List<string>? _complaints;
        private EdgeSyncException? _failure;

        public FileCheck(Database database, bool isParallel)
        {
            _database = database;
            if (database.IsInMemory || database.IsInTransaction || !isParallel) return;

            _database = Database.Open(database.Path, database.Options with
            {
                Access = DatabaseAccess.Read,
                Journal = DatabaseJournal.AsFound,
                PageCacheBytesMax = 4 << 20,
            });
            _thread = new Thread(Check) { IsBackground = true, Name = "file check" };
            _thread.Start();
        }

        public List<string> Complaints
        {
            get
            {
                if (_thread is null) Check();
                else _thread.Join();
                return _failure is null ? _complaints! : throw _failure;
            }
        }

        public void Dispose()
        {
            if (_thread is null) return;

            _database.Interrupt();
            _thread.Join();
            _database.Dispose();
        }

        private void Check()
        {
            try
            {
                _complaints = RowChecks.CheckDatabase(_database);
            }
            catch (EdgeSyncException e)
            {
                _failure = e;
            }
        }
    }
}
