using EdgeSync.Primitives;

namespace EdgeSync.Browser.Store;

/// <summary>One artifact: held, waiting for the source of its delta, or a phantom.</summary>
internal sealed class StoreRow(RecordId rid, ArtifactId id)
{
    [Flags]
    private enum Marks : byte
    {
        None = 0,
        Private = 1,
        Waiting = 2,
        Cluster = 4,
    }

    public RecordId Rid { get; } = rid;

    public ArtifactId Id { get; } = id;

    /// <summary>Position of the stored form; -1: a phantom.</summary>
    public long At { get; set; } = -1;

    /// <summary>Bytes of the stored form.</summary>
    public int StoredSize { get; set; }

    /// <summary>Bytes of the text; -1 while it is not known.</summary>
    public int Size { get; set; } = -1;

    /// <summary>What the stored form is a delta of; none for a full text.</summary>
    public RecordId Source { get; set; }

    public bool IsPrivate { get; set; }

    /// <summary>A delta whose source is missing.</summary>
    public bool IsWaiting { get; set; }

    public bool IsCluster { get; set; }

    /// <summary>Its bytes are here, perhaps as a delta that waits.</summary>
    public bool IsHeld => At >= 0;

    /// <summary>Its text can be read.</summary>
    public bool HasText => IsHeld && !IsWaiting;

    public void Write(RecordWriter writer)
    {
        var marks = (IsPrivate ? Marks.Private : 0) | (IsWaiting ? Marks.Waiting : 0) | (IsCluster ? Marks.Cluster : 0);
        writer.Begin(RecordKind.Row).Int32((int)Rid.Value).Id(Id).Byte((byte)marks).Int64(At).Int32(StoredSize)
            .Int32(Size).Int32((int)Source.Value);
    }

    public static StoreRow Read(ref RecordReader reader)
    {
        var row = new StoreRow(new RecordId(reader.Int32()), reader.Id());
        var marks = (Marks)reader.Byte();
        row.IsPrivate = (marks & Marks.Private) != 0;
        row.IsWaiting = (marks & Marks.Waiting) != 0;
        row.IsCluster = (marks & Marks.Cluster) != 0;
        (row.At, row.StoredSize, row.Size) = (reader.Int64(), reader.Int32(), reader.Int32());
        row.Source = new RecordId(reader.Int32());
        return row;
    }
}
