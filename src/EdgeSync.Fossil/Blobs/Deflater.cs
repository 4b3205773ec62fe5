using System.Buffers;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Blobs;

/// <summary>
/// Compresses whole texts, by default at zlib's level 6, as stock does. Not safe for several threads at once.
/// </summary>
public sealed unsafe class Deflater(int level = 6, DeflateFormat format = DeflateFormat.Zlib) : IDisposable
{
    private const int Deflated = 8;
    private const int MemoryLevel = 8;
    private const int PieceSize = 64 * 1024;

    [ThreadStatic]
    private static Deflater? _ofThisThread;

    private ZlibNative.Stream* _stream;

    ~Deflater() => Close();

    /// <summary>The instance of this thread: level 6, zlib.</summary>
    public static Deflater OfThisThread => _ofThisThread ??= new Deflater();

    /// <summary>Room that suffices for any text of this length.</summary>
    // zlib-ng may fall back to blocks of 9 bits a byte; its own bound is length + length/8 and change.
    public static int GetLengthMax(int length) => checked(length + (length >> 3) + 64);

    /// <summary>Compresses into a span of at least <see cref="GetLengthMax"/> bytes; returns the length.</summary>
    public int Deflate(ReadOnlySpan<byte> source, Span<byte> target)
    {
        Invariant.Require(target.Length >= GetLengthMax(source.Length));
        if (OperatingSystem.IsBrowser() && format == DeflateFormat.Zlib) return ManagedZlib.Deflate(source, target);

        Begin();
        try
        {
            Invariant.Require(Step(source, target, out _, out var written));
            return written;
        }
        finally
        {
            Close();
        }
    }

    /// <summary>Appends the compressed text.</summary>
    public void Deflate(ReadOnlySpan<byte> source, IBufferWriter<byte> output)
    {
        if (OperatingSystem.IsBrowser() && format == DeflateFormat.Zlib)
        {
            output.Advance(ManagedZlib.Deflate(source, output.GetSpan(GetLengthMax(source.Length))));
            return;
        }

        Begin();
        try
        {
            for (var isDone = false; !isDone;)
            {
                var room = output.GetSpan(Math.Min(PieceSize, GetLengthMax(source.Length)));
                isDone = Step(source, room, out var consumed, out var written);
                output.Advance(written);
                source = source[consumed..];
            }
        }
        finally
        {
            Close();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    // Each text gets a fresh state: a kept one would hold 300 KB per thread, and the allocator reuses the same block.
    private void Begin()
    {
        Invariant.Require(_stream == null);
        var stream = ZlibNative.AllocateStream();
        var windowBits = Inflater.WindowBits(format);
        if (ZlibNative.DeflateInit(stream, level, Deflated, windowBits, MemoryLevel, 0) != ZlibNative.Ok)
        {
            ZlibNative.FreeStream(stream);
            throw new EdgeSyncException(ErrorKind.System, "zlib could not allocate its state.");
        }

        _stream = stream;
    }

    private bool Step(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written)
    {
        byte spare = 0;
        fixed (byte* from = source)
        fixed (byte* to = target)
        {
            var stream = _stream;
            stream->NextIn = from == null ? &spare : from;
            stream->AvailableIn = (uint)source.Length;
            stream->NextOut = to;
            stream->AvailableOut = (uint)target.Length;
            var result = ZlibNative.Deflate(stream, ZlibNative.Finish);
            consumed = source.Length - (int)stream->AvailableIn;
            written = target.Length - (int)stream->AvailableOut;
            Invariant.Require(result is ZlibNative.StreamEnd or ZlibNative.Ok or ZlibNative.BufferError);
            return result == ZlibNative.StreamEnd;
        }
    }

    private void Close()
    {
        if (_stream == null) return;

        _ = ZlibNative.DeflateEnd(_stream);
        ZlibNative.FreeStream(_stream);
        _stream = null;
    }
}
