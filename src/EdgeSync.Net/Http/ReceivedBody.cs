using System.Buffers;
using System.IO.Pipelines;

namespace EdgeSync.Net.Http;

/// <summary>
/// A body while it arrives: segments of 16 KiB from the shared pool, so that many bodies growing side by side leave no
/// holes among large arrays. Complete, it becomes one piece of exactly its length.
/// </summary>
public sealed class ReceivedBody : IDisposable
{
    private const int SegmentBytes = 16 * 1024;

    private readonly Pipe _segments = new(
        new PipeOptions(pauseWriterThreshold: 0, minimumSegmentSize: SegmentBytes, useSynchronizationContext: false));

    private bool _isWhole;

    /// <summary>Its bytes, once <see cref="Finish"/> was called; until then nothing.</summary>
    public ReadOnlyMemory<byte> Whole { get; private set; }

    /// <summary>Memory for the next bytes.</summary>
    public Memory<byte> GetMemory() => _segments.Writer.GetMemory(SegmentBytes);

    public void Advance(int count) => _segments.Writer.Advance(count);

    /// <summary>Nothing more arrives, and the bytes are to outlive this: an array of exactly their length.</summary>
    public byte[] ToArray()
    {
        _segments.Writer.Complete();
        _isWhole = true;
        if (!_segments.Reader.TryRead(out var read)) return [];

        var whole = read.Buffer.ToArray();
        _segments.Reader.AdvanceTo(read.Buffer.End);
        return whole;
    }

    /// <summary>Nothing more arrives. A body of one segment is not copied.</summary>
    public void Finish()
    {
        _segments.Writer.Complete();
        _isWhole = true;
        if (!_segments.Reader.TryRead(out var read)) return;

        if (read.Buffer.IsSingleSegment)
        {
            Whole = read.Buffer.First;
            return;
        }

        Whole = read.Buffer.ToArray();
        _segments.Reader.AdvanceTo(read.Buffer.End);
    }

    /// <summary>Returns the segments; nothing of <see cref="Whole"/> may be used after it.</summary>
    public void Dispose()
    {
        Whole = default;
        if (!_isWhole) _segments.Writer.Complete();
        _segments.Reader.Complete();
    }
}
