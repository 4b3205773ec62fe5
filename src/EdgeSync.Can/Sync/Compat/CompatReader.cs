using System.Buffers.Binary;
using EdgeSync.Can.Sync.Wire;
using EdgeSync.Can.Wire;

namespace EdgeSync.Can.Sync.Compat;

/// <summary>What <see cref="CompatReader.Read"/> came to.</summary>
internal enum CompatPart
{
    /// <summary>All input is consumed; more is needed.</summary>
    NeedMore,

    /// <summary>One asset of the peer: <see cref="CompatReader.Digest"/>.</summary>
    Digest,

    /// <summary>The hash set is whole.</summary>
    HashSetEnd,

    /// <summary>A piece of an asset's content.</summary>
    Content,

    /// <summary>The asset is whole: <see cref="CompatReader.Bundle"/>.</summary>
    Bundle,

    /// <summary>Changed details: <see cref="CompatReader.Meta"/>.</summary>
    Meta,

    /// <summary>The peer sends nothing more on this stream.</summary>
    Done,

    /// <summary>The stream does not follow the protocol; nothing further is read.</summary>
    Invalid,
}

/// <summary>
/// Takes a stream of the protocol <c>can-sync/2</c> apart as it comes. Hash sets are passed on asset by asset, and
/// contents piece by piece, so that no frame is in memory as a whole; frames of unknown types are skipped.
/// </summary>
internal sealed class CompatReader
{
    /// <summary>Bytes that may be skipped on a stream, all together.</summary>
    public const int SkippedBytesMax = 1 << 20;

    private const int ItemBytesMax = 1024;
    private const int PieceBytes = 4096;

    private readonly byte[] _head = new byte[FrameBuffer.HeadBytes];
    private byte[] _kept = [];
    private int _keptStart;
    private int _keptEnd;
    private int _headCount;
    private CompatFrame _type;
    private long _left;
    private long _skipped;
    private BundleParser? _bundle;
    private bool _isInvalid;

    /// <summary>Whether bytes of a frame have come and not all of it: a stream must not end here.</summary>
    public bool IsInside => _headCount > 0;

    public AssetDigest Digest { get; private set; }

    public AssetBundle Bundle { get; private set; } = new();

    public MetaUpdate? Meta { get; private set; }

    /// <summary>Of the content that comes, Unix milliseconds; null: 0, or it comes behind the content.</summary>
    public long? EarlyTimestampMs => _bundle?.EarlyTimestampMs;

    /// <summary>Takes what it can of the input.</summary>
    /// <param name="input">Shortened by what was taken.</param>
    /// <param name="content">The piece, for <see cref="CompatPart.Content"/>.</param>
    public CompatPart Read(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> content)
    {
        content = default;
        while (!_isInvalid)
        {
            if (_headCount < _head.Length)
            {
                if (input.IsEmpty) return CompatPart.NeedMore;

                _head[_headCount++] = input[0];
                input = input[1..];
                if (_headCount == _head.Length) BeginFrame();
                continue;
            }

            var part = _type switch
            {
                CompatFrame.HashSet => ReadHashSet(ref input),
                CompatFrame.AssetBundle => ReadBundle(ref input, out content),
                CompatFrame.MetaUpdate => ReadMeta(ref input),
                _ => Skip(ref input),
            };
            if (part is { } read) return read;
        }

        return CompatPart.Invalid;
    }

    private void BeginFrame()
    {
        _type = (CompatFrame)_head[0];
        _left = BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(1));
        (_keptStart, _keptEnd) = (0, 0);
        if (_left > CompatFrames.PayloadBytesMax) _isInvalid = true;
        else if (_type == CompatFrame.MetaUpdate) _isInvalid = _left > MetaUpdate.SizeMax;
        else if (_type == CompatFrame.AssetBundle) BeginBundle();
        else if (_type != CompatFrame.HashSet)
        {
            _skipped += FrameBuffer.HeadBytes + _left;
            _isInvalid = _skipped > SkippedBytesMax;
        }
    }

    // Read as the only field of a message, which the parser of pushes knows how to take apart.
    private void BeginBundle()
    {
        Span<byte> prefix = stackalloc byte[1 + Varint.SizeMax];
        prefix[0] = (1 << 3) | (int)WireType.Bytes;
        ReadOnlySpan<byte> input = prefix[..(1 + Varint.Write((ulong)_left, prefix[1..]))];
        _bundle = new BundleParser();
        _bundle.Read(ref input, out _);
    }

    private CompatPart EndFrame(CompatPart part)
    {
        _headCount = 0;
        return part;
    }

    private CompatPart Fail()
    {
        _isInvalid = true;
        return CompatPart.Invalid;
    }

    private CompatPart? ReadHashSet(ref ReadOnlySpan<byte> input)
    {
        while (true)
        {
            var item = _kept.AsSpan(_keptStart, _keptEnd - _keptStart);
            var size = SizeOfField(item, out var isDigest, out var head);
            if (size < 0 || size > ItemBytesMax + head) return Fail();
            if (size == 0 || size > item.Length) break;

            _keptStart += size;
            if (!isDigest) continue;
            if (!AssetDigest.TryParse(item[head..size], out var digest)) return Fail();

            Digest = digest;
            return CompatPart.Digest;
        }

        if (_left == 0) return _keptStart == _keptEnd ? EndFrame(CompatPart.HashSetEnd) : Fail();
        if (input.IsEmpty) return CompatPart.NeedMore;

        Keep(ref input, PieceBytes);
        return null;
    }

    // 0: more is needed; negative: it is none.
    private static int SizeOfField(ReadOnlySpan<byte> bytes, out bool isDigest, out int head)
    {
        (isDigest, head) = (false, Varint.Read(bytes, out var tag));
        if (head <= 0) return head;

        isDigest = tag == ((1 << 3) | (int)WireType.Bytes);
        switch ((WireType)(tag & 7))
        {
            case WireType.Fixed64: return head + 8;
            case WireType.Fixed32: return head + 4;
            case WireType.Varint:
            case WireType.Bytes:
                var read = Varint.Read(bytes[head..], out var value);
                head += read;
                if (read <= 0) return read;
                if ((WireType)(tag & 7) == WireType.Varint) return head;

                return value > ItemBytesMax ? -1 : head + (int)value;
            default: return -1;
        }
    }

    private CompatPart? ReadBundle(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (_left == 0)
        {
            if (!_bundle!.TryFinish(out var bundle)) return Fail();

            (Bundle, _bundle) = (bundle, null);
            return EndFrame(CompatPart.Bundle);
        }

        if (input.IsEmpty) return CompatPart.NeedMore;

        var all = input;
        input = all[..(int)Math.Min(all.Length, _left)];
        var count = input.Length;
        var part = _bundle!.Read(ref input, out content);
        count -= input.Length;
        input = all[count..];
        _left -= count;
        return part switch
        {
            BundlePart.Content => CompatPart.Content,
            BundlePart.Invalid => Fail(),
            _ => null,
        };
    }

    private CompatPart? ReadMeta(ref ReadOnlySpan<byte> input)
    {
        if (_left == 0)
        {
            if (!MetaUpdate.TryParse(_kept.AsSpan(0, _keptEnd), out var meta)) return Fail();

            Meta = meta;
            return EndFrame(CompatPart.Meta);
        }

        if (input.IsEmpty) return CompatPart.NeedMore;

        Keep(ref input, int.MaxValue);
        return null;
    }

    private CompatPart? Skip(ref ReadOnlySpan<byte> input)
    {
        if (_left > 0 && input.IsEmpty) return CompatPart.NeedMore;

        var count = (int)Math.Min(input.Length, _left);
        input = input[count..];
        _left -= count;
        if (_left > 0) return null;

        EndFrame(CompatPart.Done);
        return _type == CompatFrame.Done ? CompatPart.Done : null;
    }

    // Grows with what has come, not with what was announced.
    private void Keep(ref ReadOnlySpan<byte> input, int countMax)
    {
        var count = (int)Math.Min(Math.Min(input.Length, countMax), _left);
        var pending = _keptEnd - _keptStart;
        if (_kept.Length - _keptEnd < count)
        {
            var target = pending + count <= _kept.Length
                ? _kept : new byte[Math.Max(pending + count, 2 * _kept.Length)];
            _kept.AsSpan(_keptStart, pending).CopyTo(target);
            (_kept, _keptStart, _keptEnd) = (target, 0, pending);
        }

        input[..count].CopyTo(_kept.AsSpan(_keptEnd));
        _keptEnd += count;
        input = input[count..];
        _left -= count;
    }
}
