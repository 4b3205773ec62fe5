namespace EdgeSync.Fossil.Artifacts;

/// <summary>Why a text is not an artifact.</summary>
public enum ArtifactFaultKind : byte
{
    None = 0,

    /// <summary>No bytes at all.</summary>
    Empty,

    /// <summary>The last byte is not a newline.</summary>
    NotTerminated,

    /// <summary>Does not begin like a card: an ordinary file.</summary>
    NotRecognized,

    /// <summary>The Z card names another MD5: damaged, or an ordinary file that looks like an artifact.</summary>
    WrongChecksum,

    /// <summary>A card letter is smaller than the one before.</summary>
    CardOrder,

    /// <summary>A card letter outside A-Z, or one that no artifact uses.</summary>
    UnknownCard,

    /// <summary>A card that may appear once appears again.</summary>
    DuplicateCard,

    /// <summary>A card lacks an argument.</summary>
    MissingArgument,

    /// <summary>Bytes are left over at the end of a card.</summary>
    ExtraText,

    /// <summary>A hash with another length or other digits.</summary>
    BadHash,

    /// <summary>A date that SQLite would not read.</summary>
    BadDate,

    /// <summary>A file name that is absolute, empty, ends in a slash or has a dot component.</summary>
    BadFileName,

    /// <summary>A wiki title that is not a valid page name.</summary>
    BadTitle,

    /// <summary>A tag without prefix, without name, or with a name that looks like a hash.</summary>
    BadTag,

    /// <summary>The size of a W card is too large for the text, or no newline follows the content.</summary>
    BadSize,

    /// <summary>Files, fields, members or tags are not strictly ascending.</summary>
    EntryOrder,

    /// <summary>A card that this kind of artifact does not carry.</summary>
    CardNotAllowed,

    /// <summary>A card that this kind of artifact must carry is absent.</summary>
    CardMissing,

    /// <summary>Each card is valid, but not their combination: a tag's target, a title with a reply, too many
    /// parents.</summary>
    Inconsistent,

    /// <summary>Over the size limit for artifacts.</summary>
    TooLarge,
}

/// <summary>
/// A parse error with its place: byte offset in the given text, line (1-based, 0 before the first card), card letter.
/// </summary>
public readonly record struct ArtifactFault(ArtifactFaultKind Kind, int Offset, int Line, char Card)
{
    public override string ToString() => Kind switch
    {
        ArtifactFaultKind.None => "no fault",
        ArtifactFaultKind.Empty => "the text is empty",
        ArtifactFaultKind.NotTerminated => "the text does not end in a newline",
        ArtifactFaultKind.NotRecognized => "the text does not begin like an artifact",
        ArtifactFaultKind.WrongChecksum => "the MD5 of the Z card does not fit the text",
        ArtifactFaultKind.CardMissing => $"the {Card} card is missing",
        ArtifactFaultKind.CardNotAllowed => $"this kind of artifact carries no {Card} card",
        _ => $"line {Line} (byte {Offset}), card {Card}: {Reason}",
    };

    private string Reason => Kind switch
    {
        ArtifactFaultKind.CardOrder => "card letters must ascend",
        ArtifactFaultKind.UnknownCard => "no such card",
        ArtifactFaultKind.DuplicateCard => "the card may appear once only",
        ArtifactFaultKind.MissingArgument => "an argument is missing",
        ArtifactFaultKind.ExtraText => "text is left over",
        ArtifactFaultKind.BadHash => "not a hash",
        ArtifactFaultKind.BadDate => "not a date",
        ArtifactFaultKind.BadFileName => "not a plain relative file name",
        ArtifactFaultKind.BadTitle => "not a wiki page name",
        ArtifactFaultKind.BadTag => "not a tag name",
        ArtifactFaultKind.BadSize => "the size does not fit the text",
        ArtifactFaultKind.EntryOrder => "entries must strictly ascend",
        ArtifactFaultKind.Inconsistent => "the cards contradict each other",
        ArtifactFaultKind.TooLarge => "too large for an artifact",
        _ => "refused",
    };
}
