using System.Runtime.InteropServices;

namespace EdgeSync.Fossil.Blobs;

/// <summary>
/// zlib by its public C interface (zlib.h 1.2). <c>ZLibStream</c> would do, but it makes and frees some 40 KB of native
/// state for each of the tens of thousands of small texts in a repository; a kept state is reset instead. The published
/// file links the static zlib of .NET's own native runtime pack (zlib-ng in its zlib-compatible form, docs/adr/0002);
/// other builds load the system's library.
/// </summary>
// Safety: the layout is z_stream of zlib.h, with C's unsigned long for its uLong; the *Init2_ functions compare
// its size with their own and reject another. The unit tests cross-check every path against ZLibStream.
internal static unsafe partial class ZlibNative
{
    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int BufferError = -5;

    public const int NoFlush = 0;
    public const int Finish = 4;

    private const string Library = "z";

    // zlib compares the first character only: the major version of its interface.
    private static ReadOnlySpan<byte> InterfaceVersion => "1.2.11\0"u8;

    public static int InflateInit(Stream* stream, int windowBits)
    {
        fixed (byte* version = InterfaceVersion) return InflateInit2(stream, windowBits, version, sizeof(Stream));
    }

    public static int DeflateInit(Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy)
    {
        fixed (byte* version = InterfaceVersion)
            return DeflateInit2(stream, level, method, windowBits, memoryLevel, strategy, version, sizeof(Stream));
    }

    [LibraryImport(Library, EntryPoint = "inflateReset2")]
    public static partial int InflateReset(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "inflate")]
    public static partial int Inflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "inflateEnd")]
    public static partial int InflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "deflate")]
    public static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "deflateEnd")]
    public static partial int DeflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "inflateInit2_")]
    private static partial int InflateInit2(Stream* stream, int windowBits, byte* version, int streamSize);

    [LibraryImport(Library, EntryPoint = "crc32")]
    public static partial CULong Crc32(CULong crc, byte* bytes, uint size);

    [LibraryImport(Library, EntryPoint = "deflateInit2_")]
    private static partial int DeflateInit2(
        Stream* stream,
        int level,
        int method,
        int windowBits,
        int memoryLevel,
        int strategy,
        byte* version,
        int streamSize);

    /// <summary>A zeroed stream outside the heap: zlib keeps a pointer back to it, so it must not move.</summary>
    public static Stream* AllocateStream() => (Stream*)NativeMemory.AllocZeroed((nuint)sizeof(Stream));

    public static void FreeStream(Stream* stream) => NativeMemory.Free(stream);

    /// <summary><c>z_stream</c> of zlib.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Stream
    {
        public byte* NextIn;
        public uint AvailableIn;
        public CULong TotalIn;
        public byte* NextOut;
        public uint AvailableOut;
        public CULong TotalOut;
        public byte* Message;
        public void* State;
        public void* Allocate;
        public void* Free;
        public void* Opaque;
        public int DataType;
        public CULong Adler;
        public CULong Reserved;
    }
}
