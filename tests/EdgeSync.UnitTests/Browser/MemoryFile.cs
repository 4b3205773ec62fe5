using EdgeSync.Browser.Store;

namespace EdgeSync.UnitTests.Browser;

/// <summary>A file in memory; what was not flushed can be lost.</summary>
internal sealed class MemoryFile : IStoreFile
{
    private byte[] _bytes = [];
    private byte[] _flushed = [];

    public long Length => _bytes.Length;

    /// <summary>Bytes that survive a crash.</summary>
    public byte[] Flushed => _flushed;

    /// <summary>Fails every write from now on, as a full disk does.</summary>
    public bool IsFull { get; set; }

    public static MemoryFile Of(ReadOnlySpan<byte> bytes) =>
        new() { _bytes = bytes.ToArray(), _flushed = bytes.ToArray() };

    public void Read(long offset, Span<byte> target) => _bytes.AsSpan((int)offset, target.Length).CopyTo(target);

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (IsFull) throw new EdgeSync.Primitives.EdgeSyncException(EdgeSync.Primitives.ErrorKind.System, "full");

        if (_bytes.Length < offset + bytes.Length) Array.Resize(ref _bytes, (int)offset + bytes.Length);
        bytes.CopyTo(_bytes.AsSpan((int)offset));
    }

    public void Truncate(long length) => Array.Resize(ref _bytes, (int)length);

    public void Flush() => _flushed = [.. _bytes];

    public void Dispose()
    {
    }
}
