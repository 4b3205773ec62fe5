using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EdgeSync.Node.Control;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// The result of a command: text, or one JSON object (docs/cli.md; fields are only ever added).
/// </summary>
internal interface IReport
{
    void Print(TextWriter output);

    /// <summary>As stock prints it, for the program called <c>fossil</c>.</summary>
    void PrintAsStock(TextWriter output) => Print(output);
}

/// <summary>
/// The output of commands: results to stdout, as text or as one JSON object; everything else to stderr. The console and
/// its encodings are never initialized: the streams are enough.
/// </summary>
internal sealed class Output : IDisposable
{
    // Relaxed: the object is never part of a web page, and is printed on terminals too.
    private static readonly JsonSerializerOptions Relaxed = new(ReportContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Stream _results;
    private readonly Lazy<TextWriter> _text;
    private readonly Lazy<TextWriter> _drawing;
    private readonly Lazy<TextWriter> _errors;
    private bool _hasReported;
    private PagedStream? _paged;

    private Output(Stream results, Stream errors, bool isJson)
    {
        _results = results;
        IsJson = isJson;
        _text = new Lazy<TextWriter>(() =>
        {
            // Stock's bytes for programs that read them; a terminal is guarded as ever.
            var plain = new StreamWriter(Raw, Utf8, 16 * 1024) { NewLine = "\n" };
            return IsStock && !IsTerminal ? plain : new VisibleWriter(plain);
        });
        _drawing = new Lazy<TextWriter>(
            () => TextWriter.Synchronized(new StreamWriter(errors, Utf8, 1024) { NewLine = "\n", AutoFlush = true }));
        _errors = new Lazy<TextWriter>(() => TextWriter.Synchronized(new VisibleWriter(_drawing.Value)));
    }

    public bool IsJson { get; }

    /// <summary>The program was called <c>fossil</c>: command lines and shapes are stock's.</summary>
    public bool IsStock { get; init; }

    /// <summary>Stdout is a terminal.</summary>
    public bool IsTerminal { get; private init; }

    /// <summary>Stdout is a terminal that takes colours, and <c>NO_COLOR</c> is not set (no-color.org).</summary>
    public bool IsColoured => IsTerminal && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb")
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Stdout, unbuffered, for bytes as they are. Not to be mixed with <see cref="Text"/>.</summary>
    public Stream Raw => (Stream?)_paged ?? _results;

    /// <summary>Stdout, for text; control characters are made visible.</summary>
    public TextWriter Text => _text.Value;

    /// <summary>Stderr; safe to use from several threads. Control characters are made visible.</summary>
    public TextWriter Errors => _errors.Value;

    /// <summary>
    /// Stderr unfiltered, for moving the cursor; foreign text goes through <see cref="DisplayText.Visible"/> first.
    /// </summary>
    public TextWriter Drawing => _drawing.Value;

    public static Output OfProcess(bool isJson, bool isStock) =>
        new(Console.OpenStandardOutput(), Console.OpenStandardError(), isJson)
        {
            IsStock = isStock,
            IsTerminal = !Console.IsOutputRedirected,
        };

    /// <summary>For a program inside another one, such as a test.</summary>
    public static Output To(Stream results, Stream errors, bool isJson) => new(results, errors, isJson);

    /// <summary>
    /// The command prints what may be long: on a terminal the user's pager shows it. Before anything is printed.
    /// Stock has no pager, so the program called <c>fossil</c> has none.
    /// </summary>
    public void BeginPaging()
    {
        if (IsTerminal && !IsStock && !IsJson && _paged is null && Pager.Command is { } command)
            _paged = Pager.Page(_results, command);
    }

    /// <summary>All is printed; waits until the user has left the pager.</summary>
    public void Finish()
    {
        try
        {
            Flush();
        }
        finally
        {
            _paged?.Dispose();
        }
    }

    public void Write(IReport report)
    {
        _hasReported = true;
        if (IsJson) WriteJson(report);
        else if (IsStock) report.PrintAsStock(Text);
        else report.Print(Text);
    }

    /// <summary>After a report (which contains the failure) it goes to stderr only: stdout carries one
    /// object.</summary>
    public void WriteFailure(EdgeSyncException failure)
    {
        if (IsJson && !_hasReported)
        {
            var report = new FailureReport(
                new Failure(ErrorKinds.Word(failure.Kind), failure.Message, failure.Hint, failure.Candidates));
            WriteJson(report);
            Flush();
            return;
        }

        Finish();
        if (IsStock)
        {
            foreach (var line in failure.Message.Split('\n')) Errors.WriteLine(DisplayText.OneLine(line));
            return;
        }

        Errors.WriteLine($"edgesync: {DisplayText.OneLine(failure.Message)}");
        foreach (var candidate in failure.Candidates) Errors.WriteLine($"  {DisplayText.Name(candidate)}");
        if (failure.Hint is { } hint) Errors.WriteLine($"try: {hint}");
    }

    public void Flush()
    {
        if (_text.IsValueCreated) _text.Value.Flush();
    }

    public void Dispose()
    {
        try
        {
            Finish();
        }
        catch (IOException e) when (IsBrokenPipe(e))
        {
            // The reader has closed it.
        }
    }

    /// <summary>EPIPE.</summary>
    public static bool IsBrokenPipe(IOException e) => (e.HResult & 0xffff) is 32 or 109;

    private void WriteJson(object value)
    {
        JsonSerializer.Serialize(Raw, value, Relaxed.GetTypeInfo(value.GetType()));
        Raw.Write("\n"u8);
    }
}
