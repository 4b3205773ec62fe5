using System.Runtime.InteropServices;

namespace EdgeSync.Fossil.Blobs;

/// <summary>The checksum of ZIP archives and gzip files, by zlib.</summary>
public static class Crc32
{
    public static unsafe uint Of(ReadOnlySpan<byte> bytes)
    {
        // Safety: zlib reads exactly the span, and keeps no pointer.
        fixed (byte* first = bytes) return (uint)ZlibNative.Crc32(new CULong(0u), first, (uint)bytes.Length).Value;
    }
}
