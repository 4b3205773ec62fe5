using EdgeSync.Primitives;

namespace EdgeSync.Storage.Notify;

/// <summary>What the index keeps of a message.</summary>
public sealed record NotifyEntry
{
    public required string Id { get; init; }

    public required string Project { get; init; }

    public required string Thread { get; init; }

    /// <summary>The first digits of the thread, as in the path.</summary>
    public required string ThreadShort { get; init; }

    public required Instant Time { get; init; }

    /// <summary>Identity of the sending device.</summary>
    public required string From { get; init; }

    public required string FromName { get; init; }

    /// <summary>0 info, 1 action required, 2 urgent.</summary>
    public required int Priority { get; init; }

    public string? ReplyTo { get; init; }

    /// <summary>The beginning of the text.</summary>
    public required string Preview { get; init; }
}

/// <summary>Reads a message file; null: it is none.</summary>
/// <param name="path">Its path in the check-in.</param>
/// <param name="content">At most <see cref="NotifyIndex.FileBytesMax"/>.</param>
public delegate NotifyEntry? NotifyParse(string path, ReadOnlySpan<byte> content);

/// <summary>A message of the index.</summary>
/// <param name="Seq">Order of arrival in this copy, from 1.</param>
/// <param name="Content">The record with its file.</param>
public sealed record IndexedMessage(
    long Seq, string Id, string Project, string Thread, Instant Time, string From, bool IsRead, RecordId Content,
    RecordId Checkin, Instant Arrived);

/// <summary>A thread of the index.</summary>
public sealed record IndexedThread
{
    public required string Project { get; init; }

    public required string Thread { get; init; }

    public required string Short { get; init; }

    public required Instant LastTime { get; init; }

    public required long Count { get; init; }

    /// <summary>Messages of other devices that were not read here.</summary>
    public required long Unread { get; init; }

    /// <summary>The highest of its messages.</summary>
    public required int Priority { get; init; }

    public required string LastFromName { get; init; }

    public required string LastPreview { get; init; }
}

/// <summary>An acknowledgement of a device.</summary>
/// <param name="IsRead">False: delivered.</param>
public sealed record IndexedAck(string MessageId, string Device, bool IsRead, Instant At);
