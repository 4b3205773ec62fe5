using System.Runtime.InteropServices;

namespace EdgeSync.Fossil.Blobs;

/// <summary>
/// The zlib that .NET itself brings, called directly. <c>ZLibStream</c> would do, but it makes and frees some 40 KB of
/// native state for each of the tens of thousands of small texts in a repository; a kept state is reset instead.
/// The library is part of the shared framework, and Native AOT links it statically into the one file (it treats this
/// module as one of its own), so nothing is loaded that .NET would not load anyway.
/// </summary>
// Safety: the layout and the entry points are those of .NET's pal_zlib.h, unchanged since .NET 7; the unit tests
// cross-check every path against ZLibStream, so a change there fails them before it can do harm.
internal static unsafe partial class ZlibNative
{
#if EDGESYNC_WINDOWS
    private const string Library = "System.IO.Compression.Native";
#else
    private const string Library = "libSystem.IO.Compression.Native";
#endif

    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int BufferError = -5;

    public const int NoFlush = 0;
    public const int Finish = 4;

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    public static partial int InflateInit(Stream* stream, int windowBits);

#if NET10_0_OR_GREATER
    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    public static partial int InflateReset(Stream* stream, int windowBits);
#endif

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    public static partial int Inflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    public static partial int InflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    public static partial int DeflateInit(
        Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    public static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    public static partial int DeflateEnd(Stream* stream);

    [StructLayout(LayoutKind.Sequential)]
    public struct Stream
    {
        public byte* NextIn;
        public byte* NextOut;
        public byte* Message;
        public void* State;
        public uint AvailableIn;
        public uint AvailableOut;
    }
}
