using EdgeSync.Storage.Crosslink.Links;

namespace EdgeSync.Storage.Crosslink;

/// <summary>The kind of text that a backlink was found in. The numbers are those of the table.</summary>
internal enum BacklinkSource
{
    Comment = 0,
    Ticket = 1,
    Wiki = 2,
    Technote = 3,
    Forum = 4,
}

/// <summary>Markup of a text, as far as its links matter.</summary>
internal enum LinkMarkup
{
    /// <summary>Fossil wiki, also without a mimetype.</summary>
    Wiki,

    Markdown,

    /// <summary>Anything else: not searched for links.</summary>
    Other,
}

/// <summary>The backlink table: which artifacts a text refers to.</summary>
internal sealed class BacklinkTable(LinkContext context)
{
    /// <summary>The markup of a mimetype in an N card or a ticket; null when there is none.</summary>
    // Spec: backlink.c, parse_mimetype: an empty text is "something else", a missing one is wiki.
    public static LinkMarkup MarkupOf(ReadOnlySpan<byte> mimetype, bool isPresent = true)
    {
        if (!isPresent || mimetype.IndexOf("wiki"u8) >= 0) return LinkMarkup.Wiki;
        return mimetype.IndexOf("markdown"u8) >= 0 ? LinkMarkup.Markdown : LinkMarkup.Other;
    }

    /// <param name="source">Record of the text, or tag of a wiki page.</param>
    public void Clear(BacklinkSource type, long source)
    {
        using var delete = context.Database.Prepare("DELETE FROM backlink WHERE srctype=?1 AND srcid=?2");
        delete.Bind(1, (long)type).Bind(2, source).Run();
    }

    public void Replace(
        ReadOnlySpan<byte> text, LinkMarkup markup, BacklinkSource type, long source, double julianDay)
    {
        Clear(type, source);
        Add(text, markup, type, source, julianDay);
    }

    public void Add(ReadOnlySpan<byte> text, LinkMarkup markup, BacklinkSource type, long source, double julianDay)
    {
        if (markup == LinkMarkup.Other || !text.Contains((byte)'[')) return;

        void Insert(string target)
        {
            using var insert = context.Database.Prepare(
                "REPLACE INTO backlink(target,srctype,srcid,mtime) VALUES(?1,?2,?3,?4)");
            insert.BindText(1, target).Bind(2, (long)type).Bind(3, source).Bind(4, StockNumber.AsStored(julianDay))
                .Run();
        }

        if (markup == LinkMarkup.Markdown) MarkdownLinks.Scan(text, Insert);
        else WikiLinks.Scan(text, context.Settings.WikiUsesHtml, Insert);
    }
}
