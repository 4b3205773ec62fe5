using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Storage.Pipeline;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// A round of thousands of artifacts, such as the push of a whole history: they are stored as they arrive, then one
/// walk along the delta trees expands each once and hashes several side by side. When much of the history is new, all
/// derived tables are made again, which is many times faster than adding check-in by check-in. All in the transaction
/// of the round, so that unchecked content is never visible.
/// </summary>
internal sealed class BulkArrivals(Repository repository)
{
    private const int ArtifactsMin = 500;
    private const int ShareMax = 64;
    private const int LinkedAfreshMin = 500;
    private const int LinkedShareMax = 4;

    private int _storedCount;

    private ContentStore Content => repository.Content;

    /// <summary>
    /// Counts an arrival as a delta or in stored form; decides whether the following ones are checked together.
    /// </summary>
    public void Count()
    {
        if (Content.DefersVerification || Content.DefersChecks || ++_storedCount % ArtifactsMin != 0) return;

        var all = repository.Database.QueryInt64("SELECT max(rid) FROM blob");
        Content.DefersChecks = _storedCount * (long)ShareMax >= all;
    }

    /// <summary>
    /// Checks the unchecked arrivals, and links them. False: the round must be rolled back, for the reason in <paramref
    /// name="fault"/>.
    /// </summary>
    public bool TryFinish(out StoreFault fault)
    {
        fault = default;
        Content.DefersChecks = false;
        _storedCount = 0;
        if (Content.Unchecked.Rids.Count == 0) return true;

        Content.ForgetCached();
        MemoryTrimmer.Collect();
        var artifacts = new List<RecordId>();
        if (!TryCheck(artifacts, out fault)) return false;

        Content.Unchecked.Clear();
        if (MayLinkAfresh(artifacts.Count))
        {
            Content.NewlyAvailable.Clear();
            Rebuilder.Run(
                repository, new RebuildOptions { WorkersMax = 0, IsWithinRound = true }, CancellationToken.None);
            return true;
        }

        // Trees are walked from the newest text to the oldest; linking needs parents before their children.
        artifacts.Reverse();
        foreach (var rid in artifacts) Content.NewlyAvailable.Enqueue(rid);
        return true;
    }

    public void Reset() => _storedCount = 0;

    private bool TryCheck(List<RecordId> artifacts, out StoreFault fault)
    {
        fault = default;
        var arrived = Content.Unchecked.Rids;
        var waiting = Content.Unchecked.ListWaiting(Content);
        var queued = Content.NewlyAvailable.ToHashSet();
        var lies = new List<RecordId>();
        var options = new BlobWalkOptions
        {
            Checks = BlobChecks.Hash | BlobChecks.Texts,
            WorkersMax = 0,
            TextBytesMax = Content.ArtifactBytesMax,
            Only = waiting.Count == 0 ? arrived : [.. arrived, .. waiting],
        };
        using (var walk = BlobWalk.Start(repository.Database, options, CancellationToken.None))
        {
            while (walk.TryRead(out var blob))
            {
                if (blob.Damage == BlobDamage.Loop)
                {
                    // Two peers may each hold the other's artifact as a delta of their own: one is requested again.
                    lies.Add(blob.Rid);
                }
                else if (!arrived.Contains(blob.Rid))
                {
                    if (!waiting.Contains(blob.Rid)) continue;
                    if (OutcomeOf(blob) != PutOutcome.Stored) lies.Add(blob.Rid);
                }
                else if (OutcomeOf(blob) is not PutOutcome.Stored and var outcome)
                {
                    fault = new StoreFault(blob.Id, outcome);
                    return false;
                }

                if (blob.IsSound && ArtifactParser.MayBeArtifact(blob.Text.Span) && !queued.Contains(blob.Rid))
                    artifacts.Add(blob.Rid);
            }
        }

        // Accepted unchecked in an earlier round, or part of a delta cycle: their names are requested again.
        foreach (var rid in lies) Content.GiveUp(rid);
        return true;
    }

    // A delta of a missing or earlier damaged source waits.
    private static PutOutcome OutcomeOf(WalkedBlob blob) => blob.Damage switch
    {
        BlobDamage.None => blob.Length == blob.RecordedSize ? PutOutcome.Stored : PutOutcome.BadCompression,
        BlobDamage.WrongHash => PutOutcome.WrongHash,
        BlobDamage.OverLimit => PutOutcome.TooLarge,
        BlobDamage.BadDelta => PutOutcome.BadDelta,
        BlobDamage.NotInflatable or BlobDamage.ContentMissing or BlobDamage.RowUnreadable => PutOutcome.BadCompression,
        _ => PutOutcome.Stored,
    };

    // Work reserved for an explicit rebuild (shunned and private content, tables of others) is left to linking artifact
    // by artifact.
    private bool MayLinkAfresh(int count)
    {
        var database = repository.Database;
        return count >= LinkedAfreshMin
            && (long)count * LinkedShareMax >= database.QueryInt64("SELECT count(*) FROM event")
            && database.QueryInt64("SELECT EXISTS(SELECT 1 FROM private)") == 0
            && database.QueryInt64("SELECT EXISTS(SELECT 1 FROM shun JOIN blob USING(uuid))") == 0
            && DerivedSchema.HasOnlyKnownTables(database);
    }
}
