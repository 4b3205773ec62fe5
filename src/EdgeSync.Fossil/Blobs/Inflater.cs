using System.Buffers;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Blobs;

/// <summary>How a deflated stream is wrapped.</summary>
public enum DeflateFormat
{
    /// <summary>zlib (RFC 1950), the form of every blob and message.</summary>
    Zlib,

    /// <summary>gzip (RFC 1952), as HTTP bodies use it.</summary>
    Gzip,

    /// <summary>No wrapping (RFC 1951).</summary>
    Raw,
}

/// <summary>
/// Decompresses one stream after another with one native state. Not safe for several threads at once; keep one for each
/// worker, or take <see cref="OfThisThread"/>.
/// <para>Whole streams: <see cref="TryInflate"/>. In pieces: <see cref="Reset"/>, then <see cref="Inflate"/> until
/// it returns <see cref="OperationStatus.Done"/>.</para>
/// </summary>
public sealed unsafe class Inflater : IDisposable
{
    [ThreadStatic]
    private static Inflater? _ofThisThread;

    private ZlibNative.Stream* _stream;
    private bool _isDone;

    ~Inflater() => Close();

    /// <summary>The instance of this thread. Finish one stream before starting another.</summary>
    public static Inflater OfThisThread => _ofThisThread ??= new Inflater();

    /// <summary>
    /// Decompresses a whole stream. Bytes after its end are ignored; a result shorter than <paramref name="target"/> is
    /// not a fault.
    /// </summary>
    public bool TryInflate(
        ReadOnlySpan<byte> source,
        Span<byte> target,
        out int written,
        out BlobFault fault,
        DeflateFormat format = DeflateFormat.Zlib)
    {
        if (OperatingSystem.IsBrowser() && format == DeflateFormat.Zlib)
            return ManagedZlib.TryInflate(source, target, out written, out fault);

        Reset(format);
        var status = Inflate(source, target, out var consumed, out written);
        if (status == OperationStatus.DestinationTooSmall)
        {
            // The target is full. One more byte of output separates longer content from a stream that is cut off.
            Span<byte> more = stackalloc byte[1];
            status = Inflate(source[consumed..], more, out _, out var excess);
            if (excess > 0) status = OperationStatus.DestinationTooSmall;
        }

        fault = status switch
        {
            OperationStatus.Done => BlobFault.None,
            OperationStatus.DestinationTooSmall => BlobFault.LongerThanAnnounced,
            OperationStatus.NeedMoreData => BlobFault.Truncated,
            _ => BlobFault.Damaged,
        };
        return fault == BlobFault.None;
    }

    /// <summary>Prepares for a new stream.</summary>
    public void Reset(DeflateFormat format = DeflateFormat.Zlib)
    {
        var windowBits = WindowBits(format);
        if (_stream != null)
        {
            Invariant.Require(ZlibNative.InflateReset(_stream, windowBits) == ZlibNative.Ok);
        }
        else
        {
            var stream = ZlibNative.AllocateStream();
            if (ZlibNative.InflateInit(stream, windowBits) != ZlibNative.Ok)
            {
                ZlibNative.FreeStream(stream);
                throw new EdgeSyncException(ErrorKind.System, "zlib could not allocate its state.");
            }

            _stream = stream;
        }

        _isDone = false;
    }

    /// <summary>
    /// Decompresses what it can. <see cref="OperationStatus.Done"/>: the stream ended, and the rest of <paramref
    /// name="source"/> is not part of it. <see cref="OperationStatus.InvalidData"/>: damaged, or its checksum differs.
    /// </summary>
    public OperationStatus Inflate(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written)
    {
        Invariant.Require(_stream != null);
        if (_isDone)
        {
            (consumed, written) = (0, 0);
            return OperationStatus.Done;
        }

        // zlib needs a valid pointer even for no output; the byte is never counted.
        byte spare = 0;
        fixed (byte* from = source)
        fixed (byte* to = target)
        {
            var stream = _stream;
            stream->NextIn = from == null ? &spare : from;
            stream->AvailableIn = (uint)source.Length;
            stream->NextOut = to == null ? &spare : to;
            stream->AvailableOut = (uint)target.Length;
            var result = ZlibNative.Inflate(stream, ZlibNative.NoFlush);
            consumed = source.Length - (int)stream->AvailableIn;
            written = target.Length - (int)stream->AvailableOut;
            switch (result)
            {
                case ZlibNative.StreamEnd:
                    _isDone = true;
                    return OperationStatus.Done;
                case ZlibNative.Ok or ZlibNative.BufferError:
                    return stream->AvailableIn == 0 && stream->AvailableOut > 0
                        ? OperationStatus.NeedMoreData
                        : OperationStatus.DestinationTooSmall;
                default:
                    return OperationStatus.InvalidData;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    internal static int WindowBits(DeflateFormat format) => format switch
    {
        DeflateFormat.Zlib => 15,
        DeflateFormat.Gzip => 31,
        DeflateFormat.Raw => -15,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };

    private void Close()
    {
        if (_stream == null) return;

        _ = ZlibNative.InflateEnd(_stream);
        ZlibNative.FreeStream(_stream);
        _stream = null;
    }
}
