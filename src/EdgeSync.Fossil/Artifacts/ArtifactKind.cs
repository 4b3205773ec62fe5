namespace EdgeSync.Fossil.Artifacts;

/// <summary>The kind of a structural artifact, decided by its cards alone, never by the user.</summary>
public enum ArtifactKind : byte
{
    /// <summary>Undecided; no artifact has it.</summary>
    None = 0,

    /// <summary>A manifest: the files of one version, and its parents.</summary>
    CheckIn = 1,

    /// <summary>A list of other artifacts' names, so that sync can name many by naming one.</summary>
    Cluster = 2,

    /// <summary>Tags added to or cancelled on other artifacts.</summary>
    Control = 3,

    /// <summary>One version of a wiki page.</summary>
    Wiki = 4,

    /// <summary>One change of a ticket.</summary>
    Ticket = 5,

    /// <summary>A file attached to a wiki page, ticket or technote, or its removal.</summary>
    Attachment = 6,

    /// <summary>One version of a technical note.</summary>
    Technote = 7,

    /// <summary>A forum post, reply, edit or deletion.</summary>
    Forum = 8,
}

/// <summary>Which cards an artifact of a kind may and must carry. Spec: stock's table in manifest.c.</summary>
internal static class CardRules
{
    private static readonly uint[] AllowedMasks =
    [
        0, Mask("BCDFNPQRTUZ"), Mask("MZ"), Mask("DTUZ"), Mask("CDLNPUWZ"), Mask("DJKUZ"), Mask("ACDNUZ"),
        Mask("CDENPTUWZ"), Mask("DGHINPUWZ"),
    ];

    private static readonly uint[] RequiredMasks =
    [
        0, Mask("DZ"), Mask("MZ"), Mask("DTUZ"), Mask("DLUWZ"), Mask("DJKUZ"), Mask("ADZ"), Mask("DEWZ"), Mask("DUWZ"),
    ];

    /// <summary>Z is not among them: stock accepts a text with two, if the last is right.</summary>
    public static readonly uint AtMostOnce = Mask("ABCDEGHIKLNRUW");

    public static uint Allowed(ArtifactKind kind) => AllowedMasks[(int)kind];

    public static uint Required(ArtifactKind kind) => RequiredMasks[(int)kind];

    public static uint Bit(byte card) => 1u << (card - 'A');

    private static uint Mask(string cards) => cards.Aggregate(0u, (mask, card) => mask | Bit((byte)card));
}
