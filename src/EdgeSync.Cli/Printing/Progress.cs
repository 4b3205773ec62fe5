using System.Diagnostics;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// The progress of long work. On a terminal one line that is redrawn, at most ten times a second; otherwise a plain
/// line every ten seconds. On stderr, so that results stay clean. Safe to call from several threads.
/// </summary>
internal sealed class Progress : IDisposable
{
    private static readonly TimeSpan TerminalPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PlainPause = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly TextWriter _target;
    private readonly string _subject;
    private readonly bool _isTerminal;
    private readonly long _begin = Stopwatch.GetTimestamp();
    private TimeSpan _shownAt;
    private int _drawn;

    public Progress(Output output, string subject)
    {
        _target = output.Drawing;
        _subject = subject;
        _isTerminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";
    }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_begin);

    /// <summary>Work of known size. <paramref name="detail"/> is called only when a line is drawn.</summary>
    public void Report(long done, long total, Func<string>? detail = null) => Show(() =>
    {
        var share = total <= 0 ? 1.0 : Math.Clamp((double)done / total, 0, 1);
        var filled = (int)(share * 24);
        var left = share is > 0.02 and < 1 && Elapsed.TotalSeconds > 1
            ? $"  {DisplayText.Span(Elapsed * ((1 - share) / share))} left"
            : "";
        var bar = _isTerminal ? $"[{new string('#', filled)}{new string('.', 24 - filled)}] " : "";
        return $"{_subject} {bar}{share * 100:F0}%  {DisplayText.Number(done)} of "
            + $"{DisplayText.Number(total)}{Suffix(detail)}{left}";
    });

    /// <summary>Work of unknown size.</summary>
    public void Report(Func<string> detail) => Show(() => $"{_subject}  {detail()}  {DisplayText.Span(Elapsed)}");

    /// <summary>Removes the line.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_drawn > 0) _target.Write("\r" + new string(' ', _drawn) + "\r");
            _drawn = 0;
        }
    }

    private static string Suffix(Func<string>? detail) => detail is null ? "" : "  " + detail();

    private void Show(Func<string> line)
    {
        lock (_gate)
        {
            var now = Elapsed;
            if (now - _shownAt < (_isTerminal ? TerminalPause : PlainPause)) return;

            _shownAt = now;
            var text = DisplayText.OneLine(line());
            if (!_isTerminal)
            {
                _target.WriteLine(text);
                return;
            }

            _target.Write("\r" + text.PadRight(_drawn));
            _drawn = text.Length;
        }
    }
}
