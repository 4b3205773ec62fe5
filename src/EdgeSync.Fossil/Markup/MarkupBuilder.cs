using System.Text;

namespace EdgeSync.Fossil.Markup;

/// <summary>
/// Makes a document out of a stream of elements in any order: what may not stand where it is asked for ends what is
/// open, is put into what it needs, or is left out. Depth and number of events are bounded.
/// </summary>
public sealed class MarkupBuilder
{
    /// <summary>Elements in each other.</summary>
    public const int DepthMax = 64;

    private const int EventsMax = 200_000;

    private readonly List<MarkupEvent> _events = [];
    private readonly List<MarkupTag> _open = [];
    private readonly StringBuilder _text = new();
    private int _linkDepth = -1;
    private bool _isWhole = true;

    /// <summary>The title that the text gives itself.</summary>
    public string? Title { get; set; }

    /// <summary>Nothing more is taken.</summary>
    public bool IsFull => _events.Count >= EventsMax;

    /// <summary>True inside of an element.</summary>
    public bool IsOpen(MarkupTag tag) => _open.Contains(tag);

    /// <summary>The innermost element.</summary>
    public MarkupTag? Innermost => _open.Count > 0 ? _open[^1] : null;

    /// <summary>Begins an element; false where it is left out.</summary>
    public bool Open(MarkupTag tag, params IReadOnlyList<KeyValuePair<MarkupAttribute, string>> attributes)
    {
        if (!MakeRoom(tag)) return false;

        Add(new MarkupEvent(MarkupEventKind.Open, tag, "", "") { Attributes = attributes });
        if (!MarkupTags.IsVoid(tag)) _open.Add(tag);
        return true;
    }

    /// <summary>Ends the innermost element of this kind, with all that is open in it.</summary>
    public void Close(MarkupTag tag)
    {
        var at = _open.Count - 1;
        while (at >= 0 && _open[at] != tag && !MarkupTags.IsWall(_open[at])) at--;
        if (at >= 0 && _open[at] == tag) CloseTo(at);
    }

    /// <summary>Characters; outside of every element they begin a paragraph.</summary>
    public void Text(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || IsFull) return;

        if (_text.Length > 0 || HoldsText())
        {
            _text.Append(text);
            return;
        }

        if (text.IsWhiteSpace()) return;
        if (_open.Count > 0 && !MarkupTags.ParentsOf(_open[^1]).IsEmpty && _open[^1] != MarkupTag.Li) return;
        if (_open.Count == 0 || _open[^1] is MarkupTag.Blockquote) Open(MarkupTag.P);
        if (HoldsText()) _text.Append(text.TrimStart());
    }

    /// <summary>Begins a link, which ends one that is open.</summary>
    public void OpenLink(string target, bool isBracket = false)
    {
        CloseLink();
        if (!HoldsText()) Open(MarkupTag.P);
        if (!HoldsText() || IsFull) return;

        Add(new MarkupEvent(MarkupEventKind.OpenLink, default, target, "") { IsBracket = isBracket });
        _linkDepth = _open.Count;
    }

    /// <summary>Ends the link, with all elements that are open in it.</summary>
    public void CloseLink()
    {
        if (_linkDepth < 0) return;

        while (_open.Count > _linkDepth) CloseInnermost();
        Flush();
        _events.Add(new MarkupEvent(MarkupEventKind.CloseLink, default, "", ""));
        _linkDepth = -1;
    }

    /// <summary>An image.</summary>
    public void Image(string target, string label)
    {
        if (!HoldsText()) Open(MarkupTag.P);
        if (HoldsText() && !IsFull) Add(new MarkupEvent(MarkupEventKind.Image, default, target, label));
    }

    /// <summary>Ends everything.</summary>
    public MarkupDocument Finish()
    {
        CloseTo(0);
        Flush();
        return new MarkupDocument(Title, _events, _isWhole && !IsFull);
    }

    /// <summary>Ends all elements and begins outside of them.</summary>
    public void CloseAll() => CloseTo(0);

    private bool HoldsText() => _open.Count > 0 && MarkupTags.HoldsText(_open[^1]);

    private bool MakeRoom(MarkupTag tag)
    {
        if (IsFull || _open.Count >= DepthMax)
        {
            _isWhole = false;
            return false;
        }

        if (MarkupTags.IsBlock(tag))
        {
            // Nothing but text and words may be in a paragraph, a heading or a link.
            var at = _open.FindLastIndex(t => t is MarkupTag.P or (>= MarkupTag.H1 and <= MarkupTag.H6));
            if (at >= 0 && at > _open.FindLastIndex(MarkupTags.IsWall)) CloseTo(at);
            CloseLink();
        }

        var parents = MarkupTags.ParentsOf(tag);
        if (parents.IsEmpty)
        {
            if (_open.Count > 0 && !MarkupTags.HoldsText(_open[^1]) && _open[^1] is not MarkupTag.Blockquote)
                return false;

            if (!MarkupTags.IsBlock(tag) && (_open.Count == 0 || _open[^1] is MarkupTag.Blockquote))
                return Open(MarkupTag.P);

            return true;
        }

        var parent = -1;
        for (var i = _open.Count - 1; i >= 0 && parent < 0; i--)
        {
            if (parents.Contains(_open[i])) parent = i;
            else if (_open[i] is MarkupTag.Table) break;
        }

        if (parent >= 0)
        {
            CloseTo(parent + 1);
            return true;
        }

        // A row or an item alone makes what it needs; other parts are left out.
        return tag switch
        {
            MarkupTag.Li => Open(MarkupTag.Ul),
            MarkupTag.Dt or MarkupTag.Dd => Open(MarkupTag.Dl),
            MarkupTag.Td or MarkupTag.Th => _open.Contains(MarkupTag.Table) && Open(MarkupTag.Tr),
            _ => false,
        };
    }

    private void CloseTo(int depth)
    {
        while (_open.Count > depth) CloseInnermost();
    }

    private void CloseInnermost()
    {
        if (_linkDepth == _open.Count) CloseLink();
        Flush();
        _events.Add(new MarkupEvent(MarkupEventKind.Close, _open[^1], "", ""));
        _open.RemoveAt(_open.Count - 1);
    }

    private void Add(MarkupEvent what)
    {
        Flush();
        _events.Add(what);
    }

    private void Flush()
    {
        if (_text.Length == 0) return;

        _events.Add(new MarkupEvent(MarkupEventKind.Text, default, _text.ToString(), ""));
        _text.Clear();
    }
}
