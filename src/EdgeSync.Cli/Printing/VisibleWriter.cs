using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// Filters text for a terminal: control characters become <c>\x1b</c>, whatever the origin of the text. All text passes
/// through here, so no command can miss it.</summary>
internal sealed class VisibleWriter : TextWriter
{
    private readonly TextWriter _target;

    public VisibleWriter(TextWriter target)
    {
        _target = target;
        CoreNewLine = ['\n'];
    }

    public override Encoding Encoding => _target.Encoding;

    public override void Write(char value)
    {
        if (DisplayText.IsHarmful(value)) _target.Write(DisplayText.Visible(value.ToString()));
        else _target.Write(value);
    }

    public override void Write(string? value)
    {
        if (value is not null) _target.Write(DisplayText.Visible(value));
    }

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    /// <summary>In one piece: stderr is not buffered.</summary>
    public override void WriteLine(string? value) => _target.Write(DisplayText.Visible(value ?? "") + "\n");

    public override void Flush() => _target.Flush();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _target.Dispose();
        base.Dispose(disposing);
    }
}
