using System.ComponentModel;
using System.Runtime.InteropServices;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// Stdout or stderr, written as they are. The console's own stream sets up a console at its first write: encodings, terminal
/// modes, and a thread for signals, for which nobody here asks.
/// </summary>
// Safety: the two entry points are those of .NET's pal_io.h, which Native AOT links statically; a write never reads beyond the span.
internal sealed unsafe partial class StandardStream : Stream
{
    private const string Library = "libSystem.Native";
    private const int WouldBlock = 11, WouldBlockOnMac = 35, BrokenPipe = 32;
    private const short Writable = 4;

    private readonly int _descriptor;

    private StandardStream(int descriptor)
    {
        _descriptor = descriptor;
    }

    public override bool CanWrite => true;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public static Stream OpenOutput() => OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new StandardStream(1);

    public static Stream OpenErrors() => OperatingSystem.IsWindows() ? Console.OpenStandardError() : new StandardStream(2);

    /// <summary>Waits for whoever reads; what nobody reads any more is dropped, as the console's stream does.</summary>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            int written;
            fixed (byte* bytes = buffer) written = Write(_descriptor, bytes, buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[written..];
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == BrokenPipe) return;
            if (error is not (WouldBlock or WouldBlockOnMac)) throw new IOException($"cannot write: {new Win32Exception(error).Message}", error);

            // Somebody made the pipe a non-blocking one.
            var wait = new PollEvent { Descriptor = _descriptor, Events = Writable };
            _ = Poll(&wait, 1, Timeout.Infinite, out _);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [LibraryImport(Library, EntryPoint = "SystemNative_Write", SetLastError = true)]
    private static partial int Write(nint descriptor, byte* buffer, int count);

    [LibraryImport(Library, EntryPoint = "SystemNative_Poll")]
    private static partial int Poll(PollEvent* events, uint count, int milliseconds, out uint triggered);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEvent
    {
        public int Descriptor;
        public short Events;
        public short Triggered;
    }
}
