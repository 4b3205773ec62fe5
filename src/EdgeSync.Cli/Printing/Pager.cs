using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// Text for a terminal that is shown by a pager once it is longer than the terminal is high; a shorter text is printed
/// when it ends.
/// </summary>
/// <param name="terminal">Where a short text goes.</param>
/// <param name="linesMax">Lines that fit.</param>
/// <param name="start">Starts the pager: its input, and what waits until the user has left it.</param>
internal sealed class PagedStream(Stream terminal, int linesMax, Func<(Stream Input, IDisposable Process)> start)
    : Stream
{
    // A text in one long line is not kept either.
    private const int BytesMax = 256 * 1024;

    private readonly MemoryStream _held = new();
    private Stream? _pager;
    private IDisposable? _process;
    private int _lines;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_pager is not null)
        {
            _pager.Write(buffer);
            return;
        }

        _held.Write(buffer);
        _lines += buffer.Count((byte)'\n');
        if (_lines <= linesMax && _held.Length <= BytesMax) return;

        (_pager, _process) = start();
        _held.WriteTo(_pager);
        _held.SetLength(0);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Without effect while the text is held: whether it is short is known at its end.</summary>
    public override void Flush() => _pager?.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _held.WriteTo(terminal);
            _held.SetLength(0);
            _process?.Dispose();
            _process = null;
        }

        base.Dispose(disposing);
    }
}

/// <summary>
/// The program that shows long output: of <c>EDGESYNC_PAGER</c>, else of <c>PAGER</c>, else <c>less</c> or <c>more</c>.
/// <c>cat</c>: none.
/// </summary>
internal static class Pager
{
    private const int LinesDefault = 24;

    /// <summary>Null: none is wanted, or there is none.</summary>
    public static string? Command =>
        (Of("EDGESYNC_PAGER") ?? Of("PAGER") ?? Installed("less") ?? Installed("more")) is { } command
        && command.Trim() != "cat" ? command : null;

    /// <summary>The output of a command that may be long.</summary>
    public static PagedStream Page(Stream terminal, string command) =>
        new(terminal, LinesOf(Console.WindowHeight) - 1, () =>
        {
            var process = new PagerProcess(command);
            return (process.Input, process);
        });

    // An empty variable counts as unset.
    private static string? Of(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    // A terminal that does not tell its size.
    private static int LinesOf(int height) => height > 1 ? height : LinesDefault;

    private static string? Installed(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, name))) ? name : null;

    /// <summary>A running pager.</summary>
    private sealed class PagerProcess : IDisposable
    {
        private readonly Process _process;

        // The pager takes an interrupt of the terminal itself, and this program waits for its end.
        private readonly PosixSignalRegistration _interrupt =
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);

        public PagerProcess(string command)
        {
            var start = OperatingSystem.IsWindows()
                ? new ProcessStartInfo("cmd.exe") { ArgumentList = { "/c", command } }
                : new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", command } };
            start.RedirectStandardInput = true;

            // As git: end at once where all fits, take colours as they are, leave the text on the screen.
            start.Environment.TryAdd("LESS", "FRX");
            start.Environment.TryAdd("LV", "-c");
            _process = Process.Start(start)!;
        }

        public Stream Input => _process.StandardInput.BaseStream;

        public void Dispose()
        {
            try
            {
                Input.Dispose();
            }
            catch (IOException e) when (Output.IsBrokenPipe(e))
            {
                // The user has left it before the end.
            }

            _process.WaitForExit();
            _process.Dispose();
            _interrupt.Dispose();
        }
    }
}
