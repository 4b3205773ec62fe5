using System.Buffers;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Wire;

/// <summary>What a peer needs to know whether it lacks an asset. Field numbers: docs/formats/can.md.</summary>
public readonly record struct AssetDigest(
    AssetHash Hash, long TimestampMs, long Size, bool IsTrashed, long MetaUpdatedAtMs)
{
    /// <summary>Writes it as one of the assets of a <c>HashesResponse</c>.</summary>
    public void WriteTo(IBufferWriter<byte> target)
    {
        var body = new ArrayBufferWriter<byte>(128);
        var writer = new ProtobufWriter(body);
        writer.Text(1, Hash.ToString());
        writer.Number(2, TimestampMs);
        writer.Number(3, Size);
        writer.Flag(4, IsTrashed);
        writer.Number(5, MetaUpdatedAtMs);
        new ProtobufWriter(target).Message(1, body.WrittenSpan);
    }

    /// <summary>Reads a <c>HashesResponse</c>.</summary>
    public static bool TryParseAll(ReadOnlySpan<byte> message, out IReadOnlyList<AssetDigest> digests)
    {
        var list = new List<AssetDigest>();
        digests = list;
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field != 1) continue;
            if (!TryParse(reader.Bytes(), out var digest)) return false;

            list.Add(digest);
        }

        return !reader.IsFaulty;
    }

    internal static bool TryParse(ReadOnlySpan<byte> message, out AssetDigest digest)
    {
        digest = default;
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    if (!AssetHash.TryParse(reader.Bytes(), out var hash)) return false;
                    digest = digest with { Hash = hash };
                    break;
                case 2: digest = digest with { TimestampMs = reader.Int64() }; break;
                case 3: digest = digest with { Size = reader.Int64() }; break;
                case 4: digest = digest with { IsTrashed = reader.Boolean() }; break;
                case 5: digest = digest with { MetaUpdatedAtMs = reader.Int64() }; break;
                default: break;
            }
        }

        return !reader.IsFaulty && digest.Hash != default;
    }
}

/// <summary>The hashes that a peer asks for, in a <c>PullRequest</c>.</summary>
public static class PullRequest
{
    /// <summary>Hashes that are none are left out, as unknown ones are.</summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out IReadOnlyList<AssetHash> hashes)
    {
        var list = new List<AssetHash>();
        hashes = list;
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field == 1 && AssetHash.TryParse(reader.Bytes(), out var hash)) list.Add(hash);
        }

        return !reader.IsFaulty;
    }

    public static void Write(IReadOnlyList<AssetHash> hashes, IBufferWriter<byte> target)
    {
        ArgumentNullException.ThrowIfNull(hashes);
        var writer = new ProtobufWriter(target);
        foreach (var hash in hashes) writer.Text(1, hash.ToString());
    }
}

/// <summary>Tags, description and trash state that a peer has changed.</summary>
/// <param name="Hash">The asset.</param>
/// <param name="Description">Null: none.</param>
/// <param name="Tags">All of them.</param>
/// <param name="IsTrashed">In the trash.</param>
/// <param name="MetaUpdatedAtMs">When; the later change wins.</param>
public sealed record MetaUpdate(
    AssetHash Hash, string? Description, IReadOnlyList<string> Tags, bool IsTrashed, long MetaUpdatedAtMs)
{
    /// <summary>Bytes of a message, at most.</summary>
    public const int SizeMax = 1 << 20;

    public void WriteTo(IBufferWriter<byte> target)
    {
        var writer = new ProtobufWriter(target);
        writer.Text(1, Hash.ToString());
        writer.Optional(2, Description);
        foreach (var tag in Tags) writer.Optional(3, tag);
        writer.Flag(4, IsTrashed);
        writer.Number(5, MetaUpdatedAtMs);
    }

    public static bool TryParse(ReadOnlySpan<byte> message, out MetaUpdate update)
    {
        AssetHash hash = default;
        string? description = null;
        var tags = new List<string>();
        var isTrashed = false;
        var updatedAt = 0L;
        var isHash = false;
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1: isHash = AssetHash.TryParse(reader.Bytes(), out hash); break;
                case 2: description = reader.Text(); break;
                case 3: tags.Add(reader.Text()); break;
                case 4: isTrashed = reader.Boolean(); break;
                case 5: updatedAt = reader.Int64(); break;
                default: break;
            }
        }

        update = new MetaUpdate(hash, description, tags, isTrashed, updatedAt);
        return !reader.IsFaulty && isHash;
    }
}

/// <summary>Replies of <c>/sync/push</c>, <c>/sync/meta</c> and <c>/sync/apply</c>.</summary>
public static class SyncReplies
{
    /// <param name="hash">The asset.</param>
    /// <param name="alreadyExisted">It was there.</param>
    /// <param name="number">Of its last change in the service; 0: not told (an addition).</param>
    public static byte[] Pushed(AssetHash hash, bool alreadyExisted, long number = 0)
    {
        var body = new ArrayBufferWriter<byte>(80);
        var writer = new ProtobufWriter(body);
        writer.Text(1, hash.ToString());
        writer.Flag(2, alreadyExisted);
        writer.Number(3, number);
        return body.WrittenSpan.ToArray();
    }

    /// <param name="applied">False: the service has something later.</param>
    /// <param name="number">As of <see cref="Pushed"/>.</param>
    public static byte[] Applied(bool applied, long number = 0)
    {
        var body = new ArrayBufferWriter<byte>(16);
        var writer = new ProtobufWriter(body);
        writer.Flag(1, applied);
        writer.Number(2, number);
        return body.WrittenSpan.ToArray();
    }

    public static bool TryParsePushed(ReadOnlySpan<byte> message, out bool alreadyExisted, out long number)
    {
        (alreadyExisted, number) = (false, 0);
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field == 2) alreadyExisted = reader.Boolean();
            else if (reader.Field == 3) number = reader.Int64();
        }

        return !reader.IsFaulty;
    }

    public static bool TryParseApplied(ReadOnlySpan<byte> message, out bool applied, out long number)
    {
        (applied, number) = (false, 0);
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field == 1) applied = reader.Boolean();
            else if (reader.Field == 2) number = reader.Int64();
        }

        return !reader.IsFaulty;
    }
}
