using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// A parsed structural artifact. It keeps the text it was read from, and slots (places in it) instead of copies: a
/// check-in of 1,600 files costs one array of small slots. All text is returned decoded, as the bytes that stock Fossil
/// would pass to SQLite (usually UTF-8, but not guaranteed). Properties of cards that the kind does not carry are
/// empty.
/// </summary>
/// <remarks>
/// <code>
/// check-in   B? C? D F* N? P? Q* R? T* U? Z      wiki        C? D L N? P? U W Z
/// cluster    M+ Z                                ticket      D J+ K U Z
/// control    D T+ U Z                            attachment  A C? D N? U? Z
/// technote   C? D E N? P? T* U? W Z              forum       D G? H? I? N? P? U W Z
/// </code>
/// Immutable once parsed, so it may be shared between threads.
/// </remarks>
public sealed class Artifact
{
    internal readonly byte[] Buffer;    // the array that holds the text, perhaps with other bytes around it
    internal byte[] Decoded = [];       // texts that had escapes, decoded one after the other
    internal FileSlot[] FileSlots = [];
    internal int FileCount;
    internal TagSlot[] TagSlots = [];
    internal FieldSlot[] FieldSlots = [];
    internal ArtifactId[] ParentIds = [];
    internal ArtifactId[] MemberIds = [];
    internal CherrypickCard[] CherrypickCards = [];

    internal TextSlot CommentSlot, UserSlot, MimetypeSlot, TitleSlot, BodySlot, ThreadTitleSlot, RepositoryChecksumSlot;
    internal TextSlot TechnoteIdSlot, TicketIdSlot, AttachmentNameSlot, AttachmentTargetSlot, AttachmentSourceSlot,
        ZCardSlot;

    private readonly int _start;
    private readonly int _length;

    internal Artifact(byte[] buffer, int start, int length) => (Buffer, _start, _length) = (buffer, start, length);

    /// <summary>What this artifact is.</summary>
    public ArtifactKind Kind { get; internal set; }

    /// <summary>The whole text as given, with the signature around it if there was one.</summary>
    public ReadOnlyMemory<byte> Text => Buffer.AsMemory(_start, _length);

    /// <summary>Which cards are present, bit 0 for A.</summary>
    internal uint Cards { get; set; }

    /// <summary>True if a card with this letter is present.</summary>
    public bool HasCard(char letter) => letter is >= 'A' and <= 'Z' && (Cards & CardRules.Bit((byte)letter)) != 0;

    /// <summary>D card: creation time, to the millisecond. The default for a cluster, which has no D card.</summary>
    public Instant Date { get; internal set; }

    /// <summary>D card as the day number that SQLite computes, bit for bit; 0 without a D card.</summary>
    public double JulianDay => HasCard('D') ? Date.JulianDay : 0;

    /// <summary>U card; <c>anonymous</c> if the card has no name, empty without the card.</summary>
    public ReadOnlySpan<byte> User => HasCard('U') && UserSlot.IsAbsent ? "anonymous"u8 : TextOf(UserSlot);

    /// <summary>C card: the comment of a check-in, technote or attachment.</summary>
    public ReadOnlySpan<byte> Comment => TextOf(CommentSlot);

    /// <summary>N card: the mimetype of the comment or body.</summary>
    public ReadOnlySpan<byte> Mimetype => TextOf(MimetypeSlot);

    /// <summary>
    /// P card: the first is the primary parent, later ones were merged. For wiki, technote and forum: the replaced
    /// version.
    /// </summary>
    public ReadOnlySpan<ArtifactId> Parents => ParentIds;

    /// <summary>
    /// The first parent is written in upper case: stock Fossil then finds no earlier version of a page or note.
    /// </summary>
    public bool IsFirstParentUpperCase { get; internal set; }

    /// <summary>W card: the body of a wiki page, technote or forum post.</summary>
    public ReadOnlySpan<byte> Body => TextOf(BodySlot);

    /// <summary>T cards, ordered by name with prefix, then target.</summary>
    public TagList Tags => new(this);

    // ---- Check-in ----

    /// <summary>B card: the full manifest that this one differs from; empty for a full manifest.</summary>
    public ArtifactId Baseline { get; internal set; }

    /// <summary>F cards, strictly ascending by decoded name. Of a delta manifest only the differences.</summary>
    public FileList Files => new(this);

    /// <summary>Q cards: changes taken from, or backed out of, other check-ins.</summary>
    public ReadOnlySpan<CherrypickCard> Cherrypicks => CherrypickCards;

    /// <summary>R card: 32 hex digits over names and contents of all files; empty without the card.</summary>
    public ReadOnlySpan<byte> RepositoryChecksum => TextOf(RepositoryChecksumSlot);

    // ---- Cluster ----

    /// <summary>M cards, strictly ascending.</summary>
    public ReadOnlySpan<ArtifactId> Members => MemberIds;

    // ---- Wiki ----

    /// <summary>L card: the page name.</summary>
    public ReadOnlySpan<byte> Title => TextOf(TitleSlot);

    // ---- Ticket ----

    /// <summary>K card: 40 hex digits that name the ticket (random, not a hash of anything).</summary>
    public ReadOnlySpan<byte> TicketId => TextOf(TicketIdSlot);

    /// <summary>J cards, strictly ascending by name.</summary>
    public FieldList Fields => new(this);

    // ---- Attachment ----

    /// <summary>A card, first argument: the file name, without folders, as stock stores it.</summary>
    public ReadOnlySpan<byte> AttachmentName => TextOf(AttachmentNameSlot);

    /// <summary>A card, second argument: a wiki page name, or the id of a ticket or technote.</summary>
    public ReadOnlySpan<byte> AttachmentTarget => TextOf(AttachmentTargetSlot);

    /// <summary>A card, third argument: the content; empty when the attachment is removed.</summary>
    public ArtifactId AttachmentSource { get; internal set; }

    /// <summary>The same as written, in either case.</summary>
    public ReadOnlySpan<byte> AttachmentSourceText => TextOf(AttachmentSourceSlot);

    // ---- Technote ----

    /// <summary>E card: the time of the note's event.</summary>
    public Instant TechnoteDate { get; internal set; }

    /// <summary>E card: 40 or 64 hex digits shared by all versions of the note.</summary>
    public ReadOnlySpan<byte> TechnoteId => TextOf(TechnoteIdSlot);

    // ---- Forum ----

    /// <summary>G card: the first post of the thread; empty for that post itself.</summary>
    public ArtifactId ThreadRoot { get; internal set; }

    /// <summary>H card: the title of the thread.</summary>
    public ReadOnlySpan<byte> ThreadTitle => TextOf(ThreadTitleSlot);

    /// <summary>I card: the post that this one replies to.</summary>
    public ArtifactId InReplyTo { get; internal set; }

    // ---- Checksum ----

    /// <summary>The bytes that the Z card is the MD5 of.</summary>
    public ReadOnlySpan<byte> ChecksummedText => TextOf(ChecksummedSlot);

    /// <summary>The same bytes as <see cref="ChecksummedText"/>, for checks of many artifacts at once.</summary>
    public ReadOnlyMemory<byte> ChecksummedMemory => Buffer.AsMemory(ChecksummedSlot.Start, ChecksummedSlot.Length);

    /// <summary>The 32 hex digits of the Z card at the end; empty when stock would not check it.</summary>
    public ReadOnlySpan<byte> ZCard => TextOf(ZCardSlot);

    internal TextSlot ChecksummedSlot { get; set; }

    internal ReadOnlySpan<byte> TextOf(TextSlot slot) => slot.Start >= 0
        ? Buffer.AsSpan(slot.Start, slot.Length)
        : Decoded.AsSpan(~slot.Start, slot.Length);

    internal ReadOnlyMemory<byte> MemoryOf(TextSlot slot) => slot.Start >= 0
        ? Buffer.AsMemory(slot.Start, slot.Length)
        : Decoded.AsMemory(~slot.Start, slot.Length);

    public override string ToString() => $"{Kind} of {Date} by {Encoding.UTF8.GetString(User)}";
}
