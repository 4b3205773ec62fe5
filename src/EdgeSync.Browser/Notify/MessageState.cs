using EdgeSync.Agent.Notify;
using EdgeSync.Browser.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Notify;

/// <summary>What the index of a store keeps of a message; the text stays in its file.</summary>
internal sealed record IndexedMessage
{
    /// <summary>Order of arrival in this copy, from 1.</summary>
    public required long Seq { get; init; }

    public required string Id { get; init; }

    public required string Project { get; init; }

    public required string Thread { get; init; }

    public required Instant Time { get; init; }

    /// <summary>Identity of the sending device.</summary>
    public required string From { get; init; }

    public required string FromName { get; init; }

    public required NotifyPriority Priority { get; init; }

    public required string Preview { get; init; }

    /// <summary>Its file.</summary>
    public required ArtifactId File { get; init; }

    /// <summary>The check-in that brought it.</summary>
    public required ArtifactId CheckIn { get; init; }

    public void Write(RecordWriter record) =>
        record.Int64(Seq).Text(Id).Text(Project).Text(Thread).Int64(Time.UnixTicks).Text(From).Text(FromName)
            .Byte((byte)Priority).Text(Preview).Id(File).Id(CheckIn);

    public static IndexedMessage Read(ref RecordReader reader) => new()
    {
        Seq = reader.Int64(),
        Id = reader.Text()!,
        Project = reader.Text()!,
        Thread = reader.Text()!,
        Time = new Instant(reader.Int64()),
        From = reader.Text()!,
        FromName = reader.Text()!,
        Priority = (NotifyPriority)reader.Byte(),
        Preview = reader.Text()!,
        File = reader.Id(),
        CheckIn = reader.Id(),
    };
}

/// <summary>A thread with its counts, so that a list of threads reads no messages.</summary>
internal sealed class IndexedThread
{
    /// <summary>By the time of writing.</summary>
    public List<IndexedMessage> Messages { get; } = [];

    public int Unread { get; set; }

    /// <summary>The highest of its messages.</summary>
    public NotifyPriority Priority { get; private set; }

    public IndexedMessage Last => Messages[^1];

    public void Add(IndexedMessage message)
    {
        var at = Messages.Count;
        while (at > 0 && IsBefore(message, Messages[at - 1])) at--;
        Messages.Insert(at, message);
        if (message.Priority > Priority) Priority = message.Priority;
        Unread++;
    }

    private static bool IsBefore(IndexedMessage a, IndexedMessage b) =>
        a.Time < b.Time || (a.Time == b.Time && string.CompareOrdinal(a.Id, b.Id) < 0);
}

/// <summary>The messages that were numbered, and how far the history has been looked through for them.</summary>
internal sealed class MessageState
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <summary>In order of arrival.</summary>
    public List<IndexedMessage> Messages { get; } = [];

    public Dictionary<string, IndexedMessage> ById { get; } = new(StringComparer.Ordinal);

    public Dictionary<(string Project, string Thread), IndexedThread> Threads { get; } = [];

    /// <summary>Files that are numbered, or that are no messages.</summary>
    public HashSet<ArtifactId> Files { get; } = [];

    /// <summary>Check-ins that wait for their parents or their files, with the time of their arrival.</summary>
    public Dictionary<ArtifactId, Instant> Waiting { get; } = [];

    /// <summary>How many entries of the history were looked at.</summary>
    public int Through { get; set; }

    public bool IsRead(string id) => _read.Contains(id);

    public void Add(IndexedMessage message)
    {
        Messages.Add(message);
        ById[message.Id] = message;
        Files.Add(message.File);
        if (!Threads.TryGetValue((message.Project, message.Thread), out var thread))
            Threads[(message.Project, message.Thread)] = thread = new IndexedThread();
        thread.Add(message);
    }

    /// <summary>False: it is unknown, or was read before.</summary>
    public bool MarkRead(string id)
    {
        if (!ById.TryGetValue(id, out var message) || !_read.Add(id)) return false;

        Threads[(message.Project, message.Thread)].Unread--;
        return true;
    }
}
