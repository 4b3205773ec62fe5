using EdgeSync.Browser.History;
using EdgeSync.Browser.Notify;
using EdgeSync.Fossil.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>What the index file says, in memory: a few hundred bytes for each artifact, no content.</summary>
internal sealed class StoreState
{
    /// <summary>The setting of a clone that has begun and has not ended.</summary>
    public const string CloneKey = "edgesync-clone-open";

    public bool CloneIsOpen => Config.ContainsKey(CloneKey);

    /// <summary>By rid, which counts from 1.</summary>
    public List<StoreRow> Rows { get; } = [];

    public Dictionary<ArtifactId, StoreRow> ById { get; } = [];

    public SortedSet<RecordId> Unclustered { get; } = [];

    public SortedSet<RecordId> Unsent { get; } = [];

    public SortedSet<RecordId> Phantoms { get; } = [];

    /// <summary>Deltas that wait, by their source.</summary>
    public Dictionary<RecordId, List<StoreRow>> Waiting { get; } = [];

    public HashSet<ArtifactId> Shunned { get; } = [];

    public SortedDictionary<string, (string Value, long Mtime)> Config { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, PeerMark> PeerMarks { get; } = [];

    public HistoryIndex History { get; } = new();

    public MessageState Messages { get; } = new();

    public StoreRow? Find(RecordId rid) =>
        rid.Value >= 1 && rid.Value <= Rows.Count ? Rows[(int)rid.Value - 1] : null;

    /// <summary>Adds a row, or keeps the lists true after it has changed.</summary>
    public void Track(StoreRow row)
    {
        if (row.Rid.Value == Rows.Count + 1) Rows.Add(row);
        else Rows[(int)row.Rid.Value - 1] = row;
        ById[row.Id] = row;
        if (row.IsHeld) Phantoms.Remove(row.Rid);
        else Phantoms.Add(row.Rid);
    }

    public void Wait(StoreRow row)
    {
        if (!Waiting.TryGetValue(row.Source, out var waiting)) Waiting[row.Source] = waiting = [];
        waiting.Add(row);
    }

    /// <summary>Applies the records of one round.</summary>
    public void Apply(ReadOnlySpan<byte> records)
    {
        var reader = new RecordReader(records);
        while (!reader.IsAtEnd)
        {
            switch ((RecordKind)reader.Byte())
            {
                case RecordKind.Row:
                    Track(StoreRow.Read(ref reader));
                    break;
                case RecordKind.Config:
                    SetConfig(reader.Text()!, reader.Text(), reader.Int64());
                    break;
                case RecordKind.Unclustered:
                    Unclustered.Add(new RecordId(reader.Int32()));
                    break;
                case RecordKind.Clustered:
                    Unclustered.Remove(new RecordId(reader.Int32()));
                    break;
                case RecordKind.Unsent:
                    Unsent.Add(new RecordId(reader.Int32()));
                    break;
                case RecordKind.Sent:
                    Unsent.Remove(new RecordId(reader.Int32()));
                    break;
                case RecordKind.Shun:
                    Shunned.Add(reader.Id());
                    break;
                case RecordKind.PeerMark:
                    PeerMarks[reader.Text()!] =
                        new PeerMark(new RecordId(reader.Int32()), new Instant(reader.Int64()));
                    break;
                case RecordKind.CheckIn:
                    History.Add(CheckIn.Read(ref reader));
                    break;
                case RecordKind.Tags:
                    History.Add(TagChange.Read(ref reader));
                    break;
                case RecordKind.Other:
                    History.AddOther(new RecordId(reader.Int32()));
                    break;
                case RecordKind.Message:
                    Messages.Add(IndexedMessage.Read(ref reader));
                    break;
                case RecordKind.MessageRead:
                    Messages.MarkRead(reader.Text()!);
                    break;
                case RecordKind.NoMessage:
                    Messages.Files.Add(reader.Id());
                    break;
                case RecordKind.MessageWait:
                    Messages.Waiting[reader.Id()] = new Instant(reader.Int64());
                    break;
                case RecordKind.MessageWaitEnd:
                    Messages.Waiting.Remove(reader.Id());
                    break;
                case RecordKind.MessagesThrough:
                    Messages.Through = reader.Int32();
                    break;
                case var kind:
                    throw new EdgeSyncException(
                        ErrorKind.Corrupt,
                        $"the index of the store has a record of kind {(int)kind}, which this version does not know",
                        "load the page again, with the version that wrote it");
            }
        }
    }

    /// <summary>Gathers what waits, once everything is loaded.</summary>
    public void FindWaiting()
    {
        foreach (var row in Rows)
            if (row.IsWaiting)
                Wait(row);
    }

    public void SetConfig(string name, string? value, long mtime)
    {
        if (value is null) Config.Remove(name);
        else Config[name] = (value, mtime);
    }
}
