using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EdgeSync.Cli.Commands;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Printing;

/// <summary>What a command has found out, for people. For programs, the same record becomes one JSON object.</summary>
internal interface IReport
{
    void Print(TextWriter output);
}

/// <summary>
/// Where commands write: results to stdout, as prose or as one JSON object; everything else to stderr. The console and its
/// encodings are never set up: the streams are enough.
/// </summary>
internal sealed class Output : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    // Relaxed: the object is never put into a web page, and people read it too.
    private static readonly JsonWriterOptions JsonOptions = new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lazy<TextWriter> _text;
    private readonly Lazy<TextWriter> _errors;
    private bool _hasReported;

    private Output(Stream results, Stream errors, bool isJson)
    {
        Raw = results;
        IsJson = isJson;
        _text = new Lazy<TextWriter>(() => new StreamWriter(results, Utf8, 16 * 1024) { NewLine = "\n" });
        _errors = new Lazy<TextWriter>(() => TextWriter.Synchronized(new StreamWriter(errors, Utf8, 1024) { NewLine = "\n", AutoFlush = true }));
    }

    public bool IsJson { get; }

    /// <summary>Stdout, unbuffered, for bytes as they are. Not to be mixed with <see cref="Text"/>.</summary>
    public Stream Raw { get; }

    /// <summary>Stdout, for prose.</summary>
    public TextWriter Text => _text.Value;

    /// <summary>Stderr; safe to use from several threads.</summary>
    public TextWriter Errors => _errors.Value;

    public static Output OfProcess(bool isJson) => new(Console.OpenStandardOutput(), Console.OpenStandardError(), isJson);

    /// <summary>How a report becomes JSON is made only when it is asked for: it costs a command half a millisecond.</summary>
    public void Write<T>(T report, Func<CliJson, JsonTypeInfo<T>> typeOf)
        where T : IReport
    {
        _hasReported = true;
        if (IsJson) WriteJson(report, typeOf(CliJson.Default));
        else report.Print(Text);
    }

    public void Write<T>(T report, JsonTypeInfo<T> type)
        where T : IReport
    {
        _hasReported = true;
        if (IsJson) WriteJson(report, type);
        else report.Print(Text);
    }

    /// <summary>Behind a report (which says so itself) only stderr hears of it: stdout carries one object.</summary>
    public void WriteFailure(EdgeSyncException failure)
    {
        if (IsJson && !_hasReported)
        {
            var report = new FailureReport(new Failure(ExitCodes.Word(failure.Kind), failure.Message, failure.Hint, failure.Candidates));
            WriteJson(report, CliJson.Default.FailureReport);
            Flush();
            return;
        }

        Flush();
        Errors.WriteLine($"edgesync: {failure.Message}");
        foreach (var candidate in failure.Candidates) Errors.WriteLine($"  {candidate}");
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
            Flush();
        }
        catch (IOException e) when (IsBrokenPipe(e))
        {
            // Nobody reads any more.
        }
    }

    /// <summary>EPIPE.</summary>
    public static bool IsBrokenPipe(IOException e) => (e.HResult & 0xffff) is 32 or 109;

    private void WriteJson<T>(T value, JsonTypeInfo<T> type)
    {
        using (var json = new Utf8JsonWriter(Raw, JsonOptions))
            JsonSerializer.Serialize(json, value, type);
        Raw.Write("\n"u8);
    }
}
