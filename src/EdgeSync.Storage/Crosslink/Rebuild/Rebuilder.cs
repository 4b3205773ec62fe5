using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Pipeline;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Verification;

namespace EdgeSync.Storage.Crosslink.Rebuild;

/// <summary>
/// Drops every derived table and derives it again from the artifacts; the rows are those that stock's rebuild makes.
/// <code>
/// workers: inflate ▶ apply delta ▶ check Z card ─┐
/// this thread: read what differs from the check-in before ▶ spool     (all blobs, in the order of their delta trees)
/// this thread: spool in stock's order ▶ link ▶ indexes ▶ commit
/// </code>
/// One transaction: until its commit others see the old rows, and a crash leaves them.
/// </summary>
public sealed class Rebuilder
{
    private const int ProgressStep = 256;

    private const long PageCacheBytes = 12 << 20;


    private readonly Repository _repository;
    private readonly RebuildOptions _options;
    private readonly NameTable _names = new();
    private readonly Dictionary<long, CheckInFiles> _checkIns = [];
    private readonly Dictionary<long, double> _otherDays = [];
    private readonly List<string> _damages = [];

    private Rebuilder(Repository repository, RebuildOptions options) => (_repository, _options) = (repository, options);

    private Database Database => _repository.Database;

    /// <exception cref="EdgeSyncException">The file cannot be written, or (if hashing was requested) an artifact has a
    /// wrong hash.</exception>
    public static RebuildReport Run(
        Repository repository, RebuildOptions options, CancellationToken cancellationToken) =>
        new Rebuilder(repository, options).Run(cancellationToken);

    private RebuildReport Run(CancellationToken cancellationToken)
    {
        var pages = Database.QueryInt64("PRAGMA cache_size");
        try
        {
            RebuildReport report;
            using (var transaction = _repository.Begin())
            {
                report = RunInTransaction(cancellationToken);
                transaction.Commit();
            }

            _repository.Content.ForgetCached();
            if (_options.Vacuums || _options.PageSize > 0) Vacuum();
            return report;
        }
        finally
        {
            Database.Execute($"PRAGMA cache_size={pages}");
        }
    }

    private RebuildReport RunInTransaction(CancellationToken cancellationToken)
    {
        using var spool = new ArtifactSpool(Database);
        var readCount = ReadAll(spool, cancellationToken);

        // The walk's memory is garbage now, and linking must not add its own to it.
        MemoryTrimmer.Collect();
        Database.Execute($"PRAGMA cache_size={-PageCacheBytes / 1024}");
        var unsent = _options.IsWithinRound ? ListUnsent() : [];
        DerivedSchema.Recreate(Database);
        // The rows that a trial is compared with were derived before the artifacts were shunned.
        var shunnedCount = _options.Trial is null ? Housekeeping.RemoveShunned(_repository) : 0;
        Housekeeping.Prepare(_repository);
        foreach (var rid in unsent) _repository.Content.MarkUnsent(rid);

        var context = new LinkContext(Database, new RepositoryLinkStore(_repository), () => _repository.Now);
        var crosslinker = Crosslinker.ForRebuild(
            context, times => new RebuildFileLinks(context, _names, _checkIns, _otherDays, times));
        var linkedCount = LinkAll(crosslinker, spool, cancellationToken);

        _repository.Crosslinker.TicketTablesAreStale = false;
        Report(RebuildPhase.Finishing, 0, 1);
        DerivedSchema.CreateLateIndexes(Database);
        var linker = new Crosslinker(_repository);
        if (_options.Trial is null && !_options.IsWithinRound) Housekeeping.AddTrunk(_repository, linker);
        var clusterCount = _options.MakesClusters ? new ClusterMaker(_repository, linker).Make() : 0;
        Housekeeping.DerivePrivate(_repository);
        if (!_options.IsWithinRound) Housekeeping.NoteVersions(_repository);
        var (deltaCount, deltaBytes) = _options.Compresses ? ExtraDeltas.Make(_repository) : (0, 0);
        Report(RebuildPhase.Finishing, 1, 1);

        return new RebuildReport
        {
            ReadCount = readCount,
            LinkedCount = linkedCount,
            PhantomCount = (int)Database.QueryInt64("SELECT count(*) FROM phantom"),
            ShunnedCount = shunnedCount,
            ClusterCount = clusterCount,
            DeltaCount = deltaCount,
            DeltaBytesSaved = deltaBytes,
            Damages = _damages,
        };
    }

    private int ReadAll(ArtifactSpool spool, CancellationToken cancellationToken)
    {
        var order = ReadOrder();
        var shunned = _options.Trial is null ? _repository.Shuns.List().Select(shun => shun.Id).ToHashSet() : [];
        var reader = new CheckInReader(_names, _repository.Now);
        var checks = BlobChecks.ZCards | (
            _options.VerifiesHashes || _options.Trial is not null ? BlobChecks.Hash : BlobChecks.None);
        var walkOptions = new BlobWalkOptions
        {
            Checks = checks,
            WorkersMax = _options.WorkersMax,
            BudgetBytes = 8 << 20
        };
        var sizes = new List<(RecordId Record, int Size)>();
        var useless = new HashSet<RecordId>();
        using var walk = BlobWalk.Start(Database, walkOptions, cancellationToken);
        while (walk.TryRead(out var blob))
        {
            if (walk.DeliveredCount % ProgressStep == 0) Report(RebuildPhase.Reading, walk.DeliveredCount, walk.Count);

            _options.Trial?.Invoke(blob);
            if (!blob.IsSound)
            {
                NoteDamage(blob);
                if (_options.VerifiesHashes && IsUseless(blob.Damage)) useless.Add(blob.Rid);
                continue;
            }

            if (blob.Length != blob.RecordedSize) sizes.Add((blob.Rid, blob.Length));
            if (blob.Text.IsEmpty || shunned.Contains(blob.Id)) continue;
            ReadArtifact(blob, reader, spool, order);
        }

        CorrectSizes(sizes);
        RepositoryRepair.GiveUp(_repository, useless);
        return walk.DeliveredCount;
    }

    private List<RecordId> ListUnsent()
    {
        var rids = new List<RecordId>();
        using var query = Database.Prepare("SELECT rid FROM unsent");
        while (query.Step()) rids.Add(query.Record(0));
        return rids;
    }

    private StockOrder ReadOrder()
    {
        var rids = new List<long>();
        var sources = new List<long>();
        using var query = Database.Prepare(
            "SELECT blob.rid, coalesce(srcid,0) FROM blob LEFT JOIN delta ON delta.rid=blob.rid ORDER BY blob.rid");
        while (query.Step())
        {
            rids.Add(query.Int64(0));
            sources.Add(query.Int64(1));
        }

        return StockOrder.Make([.. rids], [.. sources]);
    }

    private void ReadArtifact(WalkedBlob blob, CheckInReader reader, ArtifactSpool spool, StockOrder order)
    {
        Artifact artifact;
        CheckInFiles? files = null;
        if (blob.HasRightZCard)
        {
            if (!reader.TryRead(blob.Text, out artifact, out files)) return;
        }
        else
        {
            // Clear-signed: the Z card precedes the signature.
            if (!ArtifactParser.TryParse(blob.Text, out artifact, new ArtifactParserOptions(_repository.Now))) return;
            if (artifact.Kind == ArtifactKind.CheckIn) files = CheckInFiles.From(artifact, _names);
        }

        if (files is not null) _checkIns[blob.Rid.Value] = files;
        else _otherDays[blob.Rid.Value] = artifact.JulianDay;
        spool.Add(order.RankOf(blob.Rid.Value), blob.Rid, artifact.Text.Span);
    }

    private int LinkAll(Crosslinker crosslinker, ArtifactSpool spool, CancellationToken cancellationToken)
    {
        crosslinker.Begin();
        var done = 0;
        foreach (var (record, text) in spool.Read())
        {
            if (done++ % ProgressStep == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Report(RebuildPhase.Linking, done, spool.Count);
            }

            Invariant.Require(
                ArtifactParser.TryParse(
                    text, out var artifact, new ArtifactParserOptions(_repository.Now, SkipsChecksum: true)));
            if (!_checkIns.TryGetValue(record.Value, out var files)) crosslinker.Link(record, artifact);
            else if (HasBaseline(files)) crosslinker.LinkCheckIn(record, artifact, files);
            else crosslinker.AddOrphan(record, files.Baseline);
        }

        crosslinker.Finish();
        return done;
    }

    private bool HasBaseline(CheckInFiles files) =>
        !files.IsDelta || _checkIns.ContainsKey(_repository.Content.Find(files.Baseline).Value);

    private void CorrectSizes(List<(RecordId Record, int Size)> sizes)
    {
        foreach (var (record, size) in sizes)
        {
            using var update = Database.Prepare("UPDATE blob SET size=?1 WHERE rid=?2");
            update.Bind(1, (long)size).Bind(2, record).Run();
        }
    }

    // A delta of a damaged source stays: when the source arrives again, it is readable again.
    private static bool IsUseless(BlobDamage damage) => damage is BlobDamage.ContentMissing or BlobDamage.NotInflatable
        or BlobDamage.BadDelta or BlobDamage.SourceMissing or BlobDamage.Loop or BlobDamage.OverLimit
        or BlobDamage.WrongHash;

    private void NoteDamage(WalkedBlob blob) =>
        _damages.Add($"artifact {blob.Id} (record {blob.Rid}): {blob.DamageText}");

    private void Report(RebuildPhase phase, long done, long total) =>
        _options.Progress?.Invoke(new RebuildProgress(phase, done, total));

    private void Vacuum()
    {
        if (_options.PageSize > 0)
        {
            if (_options.PageSize is < 512 or > 65536 || (_options.PageSize & (_options.PageSize - 1)) != 0)
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"a page size is a power of two from 512 to 65536, not {_options.PageSize}");
            }

            Database.Execute($"PRAGMA page_size={_options.PageSize}");
        }

        Database.Execute("VACUUM");
    }
}
