namespace EdgeSync.Fossil.Markup;

/// <summary>What an event of a text is.</summary>
public enum MarkupEventKind
{
    /// <summary>Characters, as they are read: nothing in them is markup.</summary>
    Text,

    /// <summary>An element begins; one without content is whole.</summary>
    Open,

    /// <summary>The element ends.</summary>
    Close,

    /// <summary>A link begins.</summary>
    OpenLink,

    /// <summary>The link ends.</summary>
    CloseLink,

    /// <summary>An image; its text stands for it where it is not shown.</summary>
    Image,
}

/// <summary>One part of a text with markup.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Tag">Of an element.</param>
/// <param name="Text">Characters; of a link and an image what it names, as it is written.</param>
/// <param name="Label">Of an image its description.</param>
public readonly record struct MarkupEvent(MarkupEventKind Kind, MarkupTag Tag, string Text, string Label)
{
    /// <summary>Of an element that begins.</summary>
    public IReadOnlyList<KeyValuePair<MarkupAttribute, string>> Attributes { get; init; } = [];

    /// <summary>A link in Fossil's brackets: without a target it is text in brackets.</summary>
    public bool IsBracket { get; init; }
}

/// <summary>
/// A text with markup, as elements of an allowed set that all end, in each other as HTML wants them. How it was written
/// (Fossil's wiki, Markdown) does not matter any more.
/// </summary>
/// <param name="Title">The title that the text gives itself; null for none.</param>
/// <param name="IsWhole">False when it was cut at a limit.</param>
public sealed record MarkupDocument(string? Title, IReadOnlyList<MarkupEvent> Events, bool IsWhole);
