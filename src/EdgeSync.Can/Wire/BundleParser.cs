using System.Buffers;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Wire;

/// <summary>What <see cref="BundleParser.Read"/> came to.</summary>
public enum BundlePart
{
    /// <summary>All input is consumed; more is needed, or the message has ended.</summary>
    NeedMore,

    /// <summary>A piece of the content.</summary>
    Content,

    /// <summary>The message is not one; nothing further is read.</summary>
    Invalid,
}

/// <summary>
/// Reads a <c>PushRequest</c> in pieces, whatever its size: the small fields are collected, the content is passed on as
/// it comes. Fields may come in any order, and unknown ones are skipped.
/// <code>
/// PushRequest  { bundle = 1 }     AssetBundle { hash = 1 … size = 11, content = 12, meta_updated_at = 13 }
/// </code>
/// </summary>
public sealed class BundleParser
{
    /// <summary>Of the fields beside the content, all together.</summary>
    public const int FieldBytesMax = 1 << 20;

    private readonly ArrayBufferWriter<byte> _fields = new(512);
    private readonly byte[] _pending = new byte[Varint.SizeMax];

    private State _state = State.Tag;
    private int _pendingCount;
    private bool _isInside;
    private bool _isInvalid;
    private ulong _tag;
    private ulong _left;
    private long _bundleLeft = -1;
    private bool _hasContent;

    private enum State
    {
        Tag,
        Value,
        Length,
        Field,
        Content,
        Skip,
    }

    /// <summary>Whether the message may end here: it is whole, and there was a bundle in it.</summary>
    public bool IsComplete =>
        !_isInvalid && !_isInside && _bundleLeft == 0 && _state == State.Tag && _pendingCount == 0;

    /// <summary>
    /// The timestamp, when it came before the content: then the content can be hashed as it comes.
    /// </summary>
    public long? EarlyTimestampMs { get; private set; }

    /// <summary>Takes what it can of the input.</summary>
    /// <param name="input">Shortened by what was taken.</param>
    /// <param name="content">The piece, for <see cref="BundlePart.Content"/>.</param>
    public BundlePart Read(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> content)
    {
        content = default;
        while (!_isInvalid && !input.IsEmpty)
        {
            switch (_state)
            {
                case State.Tag:
                    if (TryVarint(ref input, out _tag)) OnTag();
                    break;
                case State.Value:
                    if (TryVarint(ref input, out var value)) OnValue(value);
                    break;
                case State.Length:
                    if (TryVarint(ref input, out var length)) OnLength(length);
                    break;
                case State.Content:
                    content = Take(ref input);
                    EndIfDone();
                    return BundlePart.Content;
                case State.Field:
                    _fields.Write(Take(ref input));
                    EndIfDone();
                    break;
                default:
                    Take(ref input);
                    EndIfDone();
                    break;
            }
        }

        return _isInvalid ? BundlePart.Invalid : BundlePart.NeedMore;
    }

    /// <summary>The fields of a complete message; false when one of them is wrong.</summary>
    public bool TryFinish(out AssetBundle bundle)
    {
        bundle = new AssetBundle();
        if (!IsComplete) return false;

        var details = new AssetDetails();
        var tags = new List<string>();
        var reader = new ProtobufReader(_fields.WrittenSpan);
        var isHash = false;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    isHash = AssetHash.TryParse(reader.Bytes(), out var hash);
                    bundle = bundle with { Hash = hash };
                    break;
                case 2: bundle = bundle with { TimestampMs = reader.Int64() }; break;
                case 10: bundle = bundle with { IsTrashed = reader.Boolean() }; break;
                case 11: bundle = bundle with { Size = reader.Int64() }; break;
                case 13: bundle = bundle with { MetaUpdatedAtMs = reader.Int64() }; break;
                default: DetailsFields.Read(ref reader, ref details, tags); break;
            }
        }

        bundle = bundle with { Details = details with { Tags = TagList.Normalize(tags) } };
        return !reader.IsFaulty && isHash && AssetFileName.IsTimestamp(bundle.TimestampMs);
    }

    private void OnTag()
    {
        var type = (WireType)(_tag & 7);
        if (_tag >> 3 is 0 or > int.MaxValue) _isInvalid = true;
        else if (type == WireType.Varint) _state = State.Value;
        else if (type == WireType.Bytes) _state = State.Length;
        else if (type == WireType.Fixed64) Begin(State.Skip, 8);
        else if (type == WireType.Fixed32) Begin(State.Skip, 4);
        else _isInvalid = true;
    }

    private void OnValue(ulong value)
    {
        if (_isInside)
        {
            if (_tag >> 3 == 2 && !_hasContent) EarlyTimestampMs = (long)value;
            Keep(_tag);
            Keep(value);
        }

        EndField();
    }

    private void OnLength(ulong length)
    {
        var field = (int)(_tag >> 3);
        if (!_isInside && field == 1 && _bundleLeft < 0)
        {
            if (length > long.MaxValue) _isInvalid = true;
            (_isInside, _bundleLeft, _state) = (true, (long)length, State.Tag);
            EndBundleIfDone();
            return;
        }

        // Twice a bundle, or twice a content, is none of this protocol's messages.
        if (!_isInside && field == 1) _isInvalid = true;
        else if (_isInside && field == AssetBundle.ContentField)
        {
            _isInvalid = _hasContent;
            _hasContent = true;
            Begin(State.Content, length);
        }
        else if (_isInside && field is >= 1 and <= 13)
        {
            Keep(_tag);
            Keep(length);
            if (length > FieldBytesMax) _isInvalid = true;
            Begin(State.Field, length);
        }
        else Begin(State.Skip, length);
    }

    private void Begin(State state, ulong length)
    {
        (_state, _left) = (state, length);
        if (_isInside && length > (ulong)_bundleLeft) _isInvalid = true;
        if (_fields.WrittenCount + (state == State.Field ? (long)length : 0) > FieldBytesMax) _isInvalid = true;
        EndIfDone();
    }

    private void EndIfDone()
    {
        if (_left == 0) EndField();
    }

    private void EndField()
    {
        _state = State.Tag;
        EndBundleIfDone();
    }

    private void EndBundleIfDone()
    {
        if (!_isInside) return;

        if (_bundleLeft == 0) _isInside = false;
        if (_bundleLeft < 0) _isInvalid = true;
    }

    private ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> input)
    {
        var length = (int)Math.Min((ulong)input.Length, _left);
        var taken = input[..length];
        input = input[length..];
        _left -= (ulong)length;
        if (_isInside) _bundleLeft -= length;
        return taken;
    }

    // A number may be cut at any byte: the bytes of it wait here.
    private bool TryVarint(ref ReadOnlySpan<byte> input, out ulong value)
    {
        value = 0;
        while (!input.IsEmpty)
        {
            if (_isInside && _bundleLeft-- == 0)
            {
                _isInvalid = true;
                return false;
            }

            _pending[_pendingCount++] = input[0];
            input = input[1..];
            var read = Varint.Read(_pending.AsSpan(0, _pendingCount), out value);
            if (read > 0)
            {
                _pendingCount = 0;
                return true;
            }

            if (read < 0 || _pendingCount == Varint.SizeMax)
            {
                _isInvalid = true;
                return false;
            }
        }

        return false;
    }

    private void Keep(ulong number)
    {
        var span = _fields.GetSpan(Varint.SizeMax);
        var size = 0;
        for (; number >= 0x80; number >>= 7) span[size++] = (byte)(number | 0x80);
        span[size++] = (byte)number;
        _fields.Advance(size);
        if (_fields.WrittenCount > FieldBytesMax) _isInvalid = true;
    }
}
