using System.Buffers;
using System.Buffers.Binary;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Sync.Records;
using EdgeSync.Can.Sync.Transfer;

namespace EdgeSync.Can.Sync.Wire;

/// <summary>The messages of the mirror protocol, by their frame's type (docs/formats/can-sync.md).</summary>
internal enum MirrorFrame : byte
{
    Hello = 0x01,
    Ranges = 0x02,
    Records = 0x03,
    Get = 0x04,
    Have = 0x05,
    Seek = 0x06,
    Ping = 0x07,
    Pong = 0x08,

    Fetch = 0x10,
    Head = 0x11,
    Leaves = 0x12,
    Group = 0x13,
    Refused = 0x14,
    Damaged = 0x15,
}

/// <summary>One message; <see cref="TryRead"/> answers null for a type that is not known.</summary>
internal abstract record MirrorMessage
{
    /// <summary>Of the control stream.</summary>
    public const int ControlBytesMax = 1 << 20;

    /// <summary>Of a stream with content: a group and its number.</summary>
    public const int ContentBytesMax = ContentTree.GroupBytes + 16;

    /// <summary>Leaves in one message, in bytes.</summary>
    public const int LeavesBytesMax = 64 * 1024;

    private const byte Version = 1;
    private const byte WholeKind = 0;
    private const byte PartsKind = 1;
    private const byte KeysKind = 2;
    private const int ClaimBytesMin = 3;

    public abstract MirrorFrame Type { get; }

    /// <summary>Who this is; the first message of each side.</summary>
    /// <param name="Store">The sender.</param>
    /// <param name="WallMs">Its time of day, Unix milliseconds.</param>
    public sealed record Hello(StoreId Store, long WallMs) : MirrorMessage
    {
        public override MirrorFrame Type => MirrorFrame.Hello;

        protected override void WriteTo(WireWriter writer)
        {
            writer.WriteByte(Version);
            writer.WriteUInt64(Store.Value);
            writer.WriteUInt64((ulong)WallMs);
        }
    }

    public sealed record Ranges(IReadOnlyList<RangeClaim> Claims) : MirrorMessage
    {
        public override MirrorFrame Type => MirrorFrame.Ranges;

        protected override void WriteTo(WireWriter writer)
        {
            writer.WriteNumber(Claims.Count);
            foreach (var claim in Claims) WriteClaim(writer, claim);
        }
    }

    /// <summary>Records, each with whether the sender has the content.</summary>
    public sealed record Records(IReadOnlyList<(SyncRecord Record, bool HasContent)> Items) : MirrorMessage
    {
        public override MirrorFrame Type => MirrorFrame.Records;

        protected override void WriteTo(WireWriter writer)
        {
            writer.WriteNumber(Items.Count);
            foreach (var (record, hasContent) in Items)
            {
                var bytes = record.ToArray();
                writer.WriteByte(hasContent ? (byte)1 : (byte)0);
                writer.WriteNumber(bytes.Length);
                writer.WriteBytes(bytes);
            }
        }
    }

    /// <summary>A list of keys: records to send, content that is here, content that is sought.</summary>
    public sealed record Keys(MirrorFrame Kind, IReadOnlyList<AssetHash> Hashes) : MirrorMessage
    {
        public override MirrorFrame Type => Kind;

        protected override void WriteTo(WireWriter writer)
        {
            writer.WriteNumber(Hashes.Count);
            foreach (var hash in Hashes) writer.WriteHash(hash);
        }
    }

    /// <summary>A sign that the connection works, and what the sender's records come to.</summary>
    /// <param name="IsAnswer">Answers the ping with the same token.</param>
    /// <param name="Token">Chosen by who asks.</param>
    /// <param name="WallMs">The sender's time of day.</param>
    /// <param name="Sum">Of all its records.</param>
    /// <param name="Missing">Assets of which it lacks the content.</param>
    public sealed record Ping(bool IsAnswer, ulong Token, long WallMs, UInt128 Sum, long Missing) : MirrorMessage
    {
        public override MirrorFrame Type => IsAnswer ? MirrorFrame.Pong : MirrorFrame.Ping;

        protected override void WriteTo(WireWriter writer)
        {
            writer.WriteUInt64(Token);
            writer.WriteUInt64((ulong)WallMs);
            WriteSum(writer, Sum);
            writer.WriteNumber(Missing);
        }
    }

    /// <summary>Asks for content, on a stream of its own.</summary>
    /// <param name="Hash">The asset.</param>
    /// <param name="From">The first group that is wanted.</param>
    /// <param name="Root">Of the tree by which those before it were verified; empty: none, so send the leaves.</param>
    public sealed record Fetch(AssetHash Hash, int From, ReadOnlyMemory<byte> Root) : MirrorMessage
    {
        public override MirrorFrame Type => MirrorFrame.Fetch;

        protected override void WriteTo(WireWriter writer)
        {
            writer.WriteHash(Hash);
            writer.WriteNumber(From);
            writer.WriteBytes(Root.Span);
        }
    }

    /// <summary>What will be sent.</summary>
    /// <param name="TimestampMs">Part of the identity.</param>
    /// <param name="Size">Of the content.</param>
    /// <param name="From">The first group.</param>
    /// <param name="Root">Of its tree.</param>
    public sealed record Head(long TimestampMs, long Size, int From, ReadOnlyMemory<byte> Root) : MirrorMessage
    {
        public override MirrorFrame Type => MirrorFrame.Head;

        protected override void WriteTo(WireWriter writer)
        {
            writer.WriteNumber(TimestampMs);
            writer.WriteNumber(Size);
            writer.WriteNumber(From);
            writer.WriteBytes(Root.Span);
        }
    }

    public sealed record Leaves(ReadOnlyMemory<byte> Bytes) : MirrorMessage
    {
        public override MirrorFrame Type => MirrorFrame.Leaves;

        protected override void WriteTo(WireWriter writer) => writer.WriteBytes(Bytes.Span);
    }

    public sealed record Group(int Number, ReadOnlyMemory<byte> Bytes) : MirrorMessage
    {
        public override MirrorFrame Type => MirrorFrame.Group;

        protected override void WriteTo(WireWriter writer)
        {
            writer.WriteNumber(Number);
            writer.WriteBytes(Bytes.Span);
        }

        /// <summary>The frame, in an array of <see cref="ArrayPool{T}.Shared"/>.</summary>
        internal ReadOnlyMemory<byte> RentFrame()
        {
            var number = new WireWriter();
            number.WriteNumber(Number);
            var length = number.Count + Bytes.Length;
            var frame = ArrayPool<byte>.Shared.Rent(FrameBuffer.HeadBytes + length);
            frame[0] = (byte)Type;
            BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(1), (uint)length);
            number.ToArray().CopyTo(frame, FrameBuffer.HeadBytes);
            Bytes.Span.CopyTo(frame.AsSpan(FrameBuffer.HeadBytes + number.Count));
            return frame.AsMemory(0, FrameBuffer.HeadBytes + length);
        }
    }

    /// <summary>The content will not come: 1 it is not here, 2 not now.</summary>
    public sealed record Refused(byte Reason) : MirrorMessage
    {
        public const byte Absent = 1;
        public const byte Busy = 2;

        public override MirrorFrame Type => MirrorFrame.Refused;

        protected override void WriteTo(WireWriter writer) => writer.WriteByte(Reason);
    }

    /// <summary>A group did not fit its leaf: the sender of it should verify the asset.</summary>
    public sealed record Damaged(AssetHash Hash) : MirrorMessage
    {
        public override MirrorFrame Type => MirrorFrame.Damaged;

        protected override void WriteTo(WireWriter writer) => writer.WriteHash(Hash);
    }

    public byte[] ToFrame()
    {
        var writer = new WireWriter();
        WriteTo(writer);
        return FrameBuffer.Frame((byte)Type, writer.ToArray());
    }

    /// <summary>False for a payload that is not of its type.</summary>
    /// <param name="type">Of the frame.</param>
    /// <param name="payload">Of the frame; messages with content keep it without a copy.</param>
    /// <param name="message">Null for a type of later versions, which is skipped.</param>
    public static bool TryRead(byte type, ReadOnlyMemory<byte> payload, out MirrorMessage? message)
    {
        message = null;
        var reader = new WireReader(payload.Span);
        return (MirrorFrame)type switch
        {
            MirrorFrame.Hello => TryReadHello(ref reader, out message),
            MirrorFrame.Ranges => TryReadRanges(ref reader, out message),
            MirrorFrame.Records => TryReadRecords(ref reader, out message),
            MirrorFrame.Get or MirrorFrame.Have or MirrorFrame.Seek =>
                TryReadKeys((MirrorFrame)type, ref reader, out message),
            MirrorFrame.Ping or MirrorFrame.Pong =>
                TryReadPing(type == (byte)MirrorFrame.Pong, ref reader, out message),
            MirrorFrame.Fetch => TryReadFetch(ref reader, out message),
            MirrorFrame.Head => TryReadHead(ref reader, out message),
            MirrorFrame.Leaves => (message = new Leaves(payload)) is not null,
            MirrorFrame.Group => TryReadGroup(payload, ref reader, out message),
            MirrorFrame.Refused => TryReadRefused(ref reader, out message),
            MirrorFrame.Damaged => TryReadDamaged(ref reader, out message),
            _ => true,
        };
    }

    protected abstract void WriteTo(WireWriter writer);

    private static bool TryReadHello(ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        // What later versions add comes behind.
        if (!reader.TryReadByte(out var version) || version < Version || !reader.TryReadUInt64(out var store)
            || !reader.TryReadUInt64(out var wall) || wall > long.MaxValue / TimeSpan.TicksPerMillisecond) return false;

        message = new Hello(new StoreId(store), (long)wall);
        return true;
    }

    private static bool TryReadRanges(ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadCount(ClaimBytesMin, out var count)) return false;

        var claims = new List<RangeClaim>(count);
        for (; count > 0; count--)
        {
            if (!TryReadClaim(ref reader, out var claim)) return false;
            claims.Add(claim!);
        }

        message = new Ranges(claims);
        return reader.IsAtEnd;
    }

    private static bool TryReadRecords(ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadCount(AssetHash.Size, out var count)) return false;

        var items = new List<(SyncRecord, bool)>(count);
        for (; count > 0; count--)
        {
            if (!reader.TryReadByte(out var flags) || flags > 1 || !reader.TryReadCount(1, out var length)
                || !reader.TryReadBytes(length, out var bytes) || !SyncRecord.TryRead(bytes, out var record))
                return false;

            items.Add((record, flags == 1));
        }

        message = new Records(items);
        return reader.IsAtEnd;
    }

    private static bool TryReadKeys(MirrorFrame kind, ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadCount(AssetHash.Size, out var count)) return false;

        var hashes = new AssetHash[count];
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadHash(out hashes[i])) return false;
        }

        message = new Keys(kind, hashes);
        return reader.IsAtEnd;
    }

    private static bool TryReadPing(bool isAnswer, ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadUInt64(out var token) || !reader.TryReadUInt64(out var wall)
            || wall > long.MaxValue / TimeSpan.TicksPerMillisecond
            || !TryReadSum(ref reader, out var sum) || !reader.TryReadNumber(out var missing)) return false;

        message = new Ping(isAnswer, token, (long)wall, sum, missing);
        return true;
    }

    private static bool TryReadFetch(ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadHash(out var hash) || !reader.TryReadNumber(out var from) || from > int.MaxValue
            || reader.Remaining is not (0 or ContentTree.HashBytes)
            || !reader.TryReadBytes(reader.Remaining, out var root)) return false;

        message = new Fetch(hash, (int)from, root.ToArray());
        return true;
    }

    private static bool TryReadHead(ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadNumber(out var timestamp) || !reader.TryReadNumber(out var size)
            || size > SyncRecord.SizeMax || !reader.TryReadNumber(out var from) || from > ContentTree.GroupsOf(size)
            || !reader.TryReadBytes(ContentTree.HashBytes, out var root) || !reader.IsAtEnd) return false;

        message = new Head(timestamp, size, (int)from, root.ToArray());
        return true;
    }

    private static bool TryReadGroup(ReadOnlyMemory<byte> payload, ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadNumber(out var number) || number > int.MaxValue) return false;

        message = new Group((int)number, payload[^reader.Remaining..]);
        return true;
    }

    private static bool TryReadRefused(ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadByte(out var reason)) return false;

        message = new Refused(reason);
        return true;
    }

    private static bool TryReadDamaged(ref WireReader reader, out MirrorMessage? message)
    {
        message = null;
        if (!reader.TryReadHash(out var hash)) return false;

        message = new Damaged(hash);
        return reader.IsAtEnd;
    }

    private static void WriteClaim(WireWriter writer, RangeClaim claim)
    {
        switch (claim)
        {
            case RangeClaim.Whole whole:
                writer.WriteByte(WholeKind);
                claim.Prefix.WriteTo(writer);
                WriteSum(writer, whole.Sum);
                break;
            case RangeClaim.Parts parts: WriteParts(writer, parts); break;
            case RangeClaim.Keys keys: WriteKeys(writer, keys); break;
        }
    }

    // A bit for each part that has records, the first one highest, and the sums of those.
    private static void WriteParts(WireWriter writer, RangeClaim.Parts parts)
    {
        var bits = 0;
        for (var i = 0; i < parts.Sums.Length; i++)
        {
            if (parts.Sums[i] != 0) bits |= 0x8000 >> i;
        }

        writer.WriteByte(PartsKind);
        parts.Prefix.WriteTo(writer);
        writer.WriteByte((byte)(bits >> 8));
        writer.WriteByte((byte)bits);
        foreach (var sum in parts.Sums)
        {
            if (sum != 0) WriteSum(writer, sum);
        }
    }

    // Keys without the whole bytes that the prefix has.
    private static void WriteKeys(WireWriter writer, RangeClaim.Keys keys)
    {
        writer.WriteByte(KeysKind);
        keys.Prefix.WriteTo(writer);
        writer.WriteNumber(keys.Entries.Count);
        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        foreach (var (key, digest) in keys.Entries)
        {
            key.CopyTo(bytes);
            writer.WriteBytes(bytes[(keys.Prefix.Digits / 2)..]);
            writer.WriteUInt64(digest);
        }
    }

    private static bool TryReadClaim(ref WireReader reader, out RangeClaim? claim)
    {
        claim = null;
        if (!reader.TryReadByte(out var kind) || !KeyPrefix.TryRead(ref reader, out var prefix)) return false;

        switch (kind)
        {
            case WholeKind when TryReadSum(ref reader, out var sum):
                claim = new RangeClaim.Whole(prefix, sum);
                return true;
            case PartsKind when prefix.Digits < KeyPrefix.DigitsMax && TryReadParts(ref reader, out var sums):
                claim = new RangeClaim.Parts(prefix, sums);
                return true;
            case KeysKind when TryReadEntries(ref reader, prefix, out var entries):
                claim = new RangeClaim.Keys(prefix, entries);
                return true;
            default: return false;
        }
    }

    private static bool TryReadParts(ref WireReader reader, out UInt128[] sums)
    {
        sums = new UInt128[16];
        if (!reader.TryReadByte(out var high) || !reader.TryReadByte(out var low)) return false;

        var bits = (high << 8) | low;
        for (var i = 0; i < sums.Length; i++)
        {
            if ((bits & (0x8000 >> i)) != 0 && !TryReadSum(ref reader, out sums[i])) return false;
        }

        return true;
    }

    private static bool TryReadEntries(
        ref WireReader reader, KeyPrefix prefix, out List<(AssetHash Key, ulong Digest)> entries)
    {
        entries = [];
        var known = prefix.Digits / 2;
        if (!reader.TryReadCount(AssetHash.Size - known + sizeof(ulong), out var count)) return false;

        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        for (; count > 0; count--)
        {
            prefix.Key.CopyTo(bytes);
            if (!reader.TryReadBytes(AssetHash.Size - known, out var rest) || !reader.TryReadUInt64(out var digest))
                return false;

            rest.CopyTo(bytes[known..]);
            var key = new AssetHash(bytes);
            // In order and each once, so that a list has one form.
            if (!prefix.Contains(key) || (entries.Count > 0 && entries[^1].Key.CompareTo(key) >= 0)) return false;

            entries.Add((key, digest));
        }

        return true;
    }

    private static void WriteSum(WireWriter writer, UInt128 sum)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, sum);
        writer.WriteBytes(bytes);
    }

    private static bool TryReadSum(ref WireReader reader, out UInt128 sum)
    {
        sum = default;
        if (!reader.TryReadBytes(16, out var bytes)) return false;

        sum = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }
}
