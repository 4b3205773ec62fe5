using System.Buffers;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Wire;

/// <summary>
/// What a service has of one asset, beside the content: as <see cref="AssetBundle"/>, and what an agent needs to follow
/// it. Not of the original. Field numbers: docs/formats/can.md.
/// </summary>
public sealed record AssetState
{
    public AssetHash Hash { get; init; }

    public long TimestampMs { get; init; }

    public AssetDetails Details { get; init; } = new();

    public bool IsTrashed { get; init; }

    public long Size { get; init; }

    public long MetaUpdatedAtMs { get; init; }

    /// <summary>Of its last change in that service.</summary>
    public long Number { get; init; }

    /// <summary>Its file is missing, or has other content.</summary>
    public bool IsCorrupted { get; init; }

    /// <summary>It is gone for good: of the rest only hash, timestamp and number are there.</summary>
    public bool IsDeleted { get; init; }

    public static AssetState Of(Asset asset)
    {
        ArgumentNullException.ThrowIfNull(asset);
        return new AssetState
        {
            Hash = asset.Hash,
            TimestampMs = asset.TimestampMs,
            Details = asset.Details,
            IsTrashed = asset.IsTrashed,
            Size = asset.Size,
            MetaUpdatedAtMs = asset.MetaUpdatedAtMs,
            Number = asset.ChangeNumber,
            IsCorrupted = asset.IsCorrupted,
        };
    }

    public byte[] ToArray()
    {
        var bytes = new ArrayBufferWriter<byte>(256);
        var writer = new ProtobufWriter(bytes);
        writer.Text(1, Hash.ToString());
        writer.Number(2, TimestampMs);
        DetailsFields.Write(writer, Details);
        writer.Flag(10, IsTrashed);
        writer.Number(11, Size);
        writer.Number(13, MetaUpdatedAtMs);
        writer.Number(14, Number);
        writer.Flag(15, IsCorrupted);
        writer.Flag(16, IsDeleted);
        return bytes.WrittenSpan.ToArray();
    }

    public static bool TryParse(ReadOnlySpan<byte> message, out AssetState state)
    {
        state = new AssetState();
        var details = new AssetDetails();
        var tags = new List<string>();
        var isHash = false;
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    isHash = AssetHash.TryParse(reader.Bytes(), out var hash);
                    state = state with { Hash = hash };
                    break;
                case 2: state = state with { TimestampMs = reader.Int64() }; break;
                case 10: state = state with { IsTrashed = reader.Boolean() }; break;
                case 11: state = state with { Size = reader.Int64() }; break;
                case 13: state = state with { MetaUpdatedAtMs = reader.Int64() }; break;
                case 14: state = state with { Number = reader.Int64() }; break;
                case 15: state = state with { IsCorrupted = reader.Boolean() }; break;
                case 16: state = state with { IsDeleted = reader.Boolean() }; break;
                default: DetailsFields.Read(ref reader, ref details, tags); break;
            }
        }

        state = state with { Details = details with { Tags = TagList.Normalize(tags) } };
        return !reader.IsFaulty && isHash && state.Size >= 0 && AssetFileName.IsTimestamp(state.TimestampMs);
    }
}

/// <summary>A page of the changes of a service (<c>ChangesResponse</c>): of each asset what it is now.</summary>
/// <param name="States">In the order of their numbers.</param>
/// <param name="Position">Behind which the next page begins.</param>
/// <param name="Epoch">Another one: assets may have gone without a change, so all are to be read again.</param>
/// <param name="HasMore">Another page follows at once.</param>
public sealed record ChangesPage(IReadOnlyList<AssetState> States, long Position, string Epoch, bool HasMore)
{
    public byte[] ToArray()
    {
        var bytes = new ArrayBufferWriter<byte>(4096);
        var writer = new ProtobufWriter(bytes);
        foreach (var state in States) writer.Message(1, state.ToArray());
        writer.Number(2, Position);
        writer.Text(3, Epoch);
        writer.Flag(4, HasMore);
        return bytes.WrittenSpan.ToArray();
    }

    public static bool TryParse(ReadOnlySpan<byte> message, out ChangesPage page)
    {
        var states = new List<AssetState>();
        var (position, epoch, hasMore) = (0L, "", false);
        var reader = new ProtobufReader(message);
        var isValid = true;
        while (isValid && reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    isValid = AssetState.TryParse(reader.Bytes(), out var state);
                    states.Add(state);
                    break;
                case 2: position = reader.Int64(); break;
                case 3: epoch = reader.Text(); break;
                case 4: hasMore = reader.Boolean(); break;
                default: break;
            }
        }

        page = new ChangesPage(states, position, epoch, hasMore);
        return isValid && !reader.IsFaulty;
    }
}
