using System.Diagnostics;

namespace EdgeSync.Node.Can;

/// <summary>
/// What an image decoder reads. At the end of a file that is cut off it takes zeroes for ever, and a small file can
/// keep it busy for minutes: then reading fails.
/// </summary>
internal sealed class ImageStream(Stream source) : Stream
{
    /// <summary>A decoder looks ahead by a few bytes.</summary>
    private const int ReadsPastEndMax = 64 * 1024;

    private const int BufferBytes = 64 * 1024;

    private static readonly TimeSpan DecodingMax = TimeSpan.FromSeconds(20);

    private readonly BufferedStream _source = new(source, BufferBytes);
    private readonly long _begin = Stopwatch.GetTimestamp();
    private int _readsPastEnd;
    private int _reads;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _source.Length;

    public override long Position
    {
        get => _source.Position;
        set => _source.Position = value;
    }

    // Decoders read byte by byte.
    public override int ReadByte()
    {
        var value = _source.ReadByte();
        Count(value < 0);
        return value;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = _source.Read(buffer, offset, count);
        Count(read == 0);
        return read;
    }

    public override long Seek(long offset, SeekOrigin origin) => _source.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Count(bool isPastEnd)
    {
        if (isPastEnd && ++_readsPastEnd > ReadsPastEndMax) throw new InvalidDataException("the file is cut off");
        if ((++_reads & 0xffff) == 0 && Stopwatch.GetElapsedTime(_begin) > DecodingMax)
            throw new InvalidDataException("decoding takes too long");
    }
}
