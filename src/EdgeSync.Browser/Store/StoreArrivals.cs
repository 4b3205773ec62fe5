using EdgeSync.Browser.History;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>
/// Artifacts as they come into a store, inside of a round: verified, written, and linked to what they speak of. A
/// delta whose source is missing waits for it.
/// </summary>
/// <param name="round">The records of the round.</param>
internal sealed class StoreArrivals(StoreTexts texts, RecordWriter round)
{
    /// <summary>What the index says: the store's, which a round that is taken back replaces.</summary>
    public StoreState State { get; set; } = new();

    /// <summary>True when nothing is to be stored; the outcome says why.</summary>
    public bool IsHeldAlready(ArtifactId id, bool isPrivate, out RecordId rid, out PutOutcome outcome)
    {
        rid = RecordId.None;
        outcome = PutOutcome.Shunned;
        if (State.Shunned.Contains(id)) return true;
        if (!State.ById.TryGetValue(id, out var row) || !row.IsHeld) return false;

        rid = row.Rid;
        if (row.IsPrivate && !isPrivate) SetPrivate(row, false);

        // A delta that waits may be overtaken by a form that can be read.
        outcome = PutOutcome.AlreadyHeld;
        return row.HasText;
    }

    /// <summary>The row of an artifact; a phantom if it is new.</summary>
    public StoreRow RowFor(ArtifactId id, bool isPrivate)
    {
        if (State.ById.TryGetValue(id, out var row)) return row;

        row = new StoreRow(new RecordId(State.Rows.Count + 1), id) { IsPrivate = isPrivate };
        Save(row);
        if (!isPrivate) MarkUnclustered(row.Rid);
        return row;
    }

    public void SetPrivate(StoreRow row, bool isPrivate)
    {
        row.IsPrivate = isPrivate;
        Save(row);
        if (isPrivate) MarkClustered(row.Rid);
        else MarkUnclustered(row.Rid);
    }

    /// <summary>A text that has the right hash. What waited for it follows.</summary>
    public PutOutcome PutChecked(
        ArtifactId id, byte[] text, ReadOnlySpan<byte> stored, bool isPrivate, out RecordId rid,
        RecordId source = default)
    {
        var row = RowFor(id, isPrivate);
        StopWaiting(row);
        rid = row.Rid;
        (row.At, row.StoredSize, row.Source) = (texts.Append(stored), stored.Length, source);
        row.IsPrivate = isPrivate;
        Settle(row, text);
        return PutOutcome.Stored;
    }

    /// <summary>A delta, which is verified now or once its source is here.</summary>
    public PutOutcome PutDelta(
        ArtifactId id, ArtifactId source, ReadOnlySpan<byte> delta, ReadOnlySpan<byte> stored, bool isPrivate,
        out RecordId rid)
    {
        rid = RecordId.None;
        if (id == source) return PutOutcome.Circular;

        var sourceRow = RowFor(source, isPrivate);
        if (sourceRow.HasText)
        {
            if (!DeltaApplier.TryApply(
                texts.TextOf(sourceRow), delta, StoreTexts.ArtifactBytesMax, out var text, out _,
                verifyChecksum: false))
                return PutOutcome.BadDelta;

            return ArtifactHash.Matches(id, text)
                ? PutChecked(id, text, stored, isPrivate, out rid, sourceRow.Rid)
                : PutOutcome.WrongHash;
        }

        if (RestsOn(sourceRow, id)) return PutOutcome.Circular;

        var row = RowFor(id, isPrivate);
        StopWaiting(row);
        rid = row.Rid;
        (row.At, row.StoredSize, row.Size) = (texts.Append(stored), stored.Length, -1);
        (row.Source, row.IsWaiting, row.IsPrivate) = (sourceRow.Rid, true, isPrivate);
        Save(row);
        State.Wait(row);
        return PutOutcome.Pending;
    }

    /// <summary>Makes phantoms of the deltas that still wait.</summary>
    public void DropWaiting()
    {
        foreach (var row in State.Waiting.Values.SelectMany(w => w).ToList()) GiveUp(row);
        State.Waiting.Clear();
    }

    private void Save(StoreRow row)
    {
        State.Track(row);
        row.Write(round);
    }

    private void Settle(StoreRow first, byte[] firstText)
    {
        var due = new Stack<(StoreRow Row, byte[] Text)>([(first, firstText)]);
        while (due.TryPop(out var next))
        {
            var (row, text) = next;
            (row.Size, row.IsWaiting) = (text.Length, false);
            Link(row, text);
            Save(row);
            texts.Remember(row, text);
            if (!State.Waiting.Remove(row.Rid, out var waiting)) continue;

            foreach (var other in waiting)
            {
                if (DeltaApplier.TryApply(
                        text, texts.Unpack(other), StoreTexts.ArtifactBytesMax, out var made, out _,
                        verifyChecksum: false)
                    && ArtifactHash.Matches(other.Id, made))
                    due.Push((other, made));
                else GiveUp(other);
            }
        }
    }

    private void StopWaiting(StoreRow row)
    {
        if (row.IsWaiting && State.Waiting.TryGetValue(row.Source, out var waiting)) waiting.Remove(row);
        row.IsWaiting = false;
    }

    private void GiveUp(StoreRow row)
    {
        (row.At, row.StoredSize, row.Source, row.IsWaiting) = (-1, 0, RecordId.None, false);
        Save(row);
    }

    private bool RestsOn(StoreRow row, ArtifactId id)
    {
        for (var at = row; at is not null; at = at.IsHeld ? State.Find(at.Source) : null)
            if (at.Id == id)
                return true;
        return false;
    }

    private void MarkUnclustered(RecordId rid)
    {
        if (State.Unclustered.Add(rid)) round.Begin(RecordKind.Unclustered).Int32((int)rid.Value);
    }

    private void MarkClustered(RecordId rid)
    {
        if (State.Unclustered.Remove(rid)) round.Begin(RecordKind.Clustered).Int32((int)rid.Value);
    }

    // What a text says about other artifacts. In a clone nothing is requested for its sake: the server sends everything
    // that it has.
    private void Link(StoreRow row, byte[] text)
    {
        if (!ArtifactParser.MayBeArtifact(text) || !ArtifactParser.TryParse(text, out var artifact)) return;

        if (!State.CloneIsOpen)
            foreach (var id in ArtifactReferences.Of(artifact))
                if (!State.Shunned.Contains(id))
                    RowFor(id, row.IsPrivate);
        switch (artifact.Kind)
        {
            case ArtifactKind.Cluster:
                row.IsCluster = true;
                foreach (var member in artifact.Members)
                    if (State.ById.TryGetValue(member, out var clustered))
                        MarkClustered(clustered.Rid);
                break;
            case ArtifactKind.CheckIn:
                var checkin = CheckIn.Of(artifact, row.Id, row.Rid);
                checkin.Write(round);
                State.History.Add(checkin);
                break;
            default:
                round.Begin(RecordKind.Other).Int32((int)row.Rid.Value);
                State.History.AddOther(row.Rid);
                break;
        }

        foreach (var change in TagChange.Of(artifact, row.Id))
        {
            change.Write(round);
            State.History.Add(change);
        }
    }
}
