using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Artifacts;

/// <summary>
/// Bytes for a card, usually UTF-8 of a string. The default is absent, which differs from empty.
/// </summary>
public readonly struct CardText
{
    private readonly ReadOnlyMemory<byte>? _bytes;

    public CardText(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    public bool IsAbsent => _bytes is null;

    public ReadOnlySpan<byte> Bytes => _bytes.GetValueOrDefault().Span;

    public static CardText Of(string? text) => text is null ? default : new CardText(Encoding.UTF8.GetBytes(text));

    public static CardText Of(ReadOnlySpan<byte> bytes) => new(bytes.ToArray());

    public static implicit operator CardText(string? text) => Of(text);

    public static implicit operator CardText(byte[]? bytes) => bytes is null ? default : new CardText(bytes);

    public override string ToString() => Encoding.UTF8.GetString(Bytes);
}

/// <summary>F card to write. An empty id deletes the file in a delta manifest.</summary>
public readonly record struct FileDraft(
    ReadOnlyMemory<byte> Name,
    ArtifactId Id,
    FilePermission Permission = FilePermission.Regular,
    ReadOnlyMemory<byte> OldName = default);

/// <summary>T card to write; an empty target is the artifact itself.</summary>
public readonly record struct TagDraft(
    TagAction Action, CardText Name, ArtifactId Target = default, CardText Value = default);

/// <summary>J card to write; a name with <c>+</c> in front appends.</summary>
public readonly record struct FieldDraft(CardText Name, CardText Value);

/// <summary>
/// An artifact to be written: every card that it may have, in alphabetical order. <see cref="ToBytes"/> writes the
/// bytes that stock writes for the same content, with the Z card. Nothing is validated here; the store parses the text
/// before storing it (it needs the parsed form anyway).
/// </summary>
public sealed class ArtifactDraft
{
    private static readonly byte[] NoComment = "(no comment)"u8.ToArray();

    public AttachmentDraft? Attachment { get; init; }

    public ArtifactId Baseline { get; init; }

    public CardText Comment { get; init; }

    public Instant? Date { get; init; }

    public Instant? TechnoteDate { get; init; }

    public CardText TechnoteId { get; init; }

    /// <summary>In the order of decoded names (memcmp): <see cref="FileOrder"/>.</summary>
    public IReadOnlyList<FileDraft> Files { get; init; } = [];

    public ArtifactId ThreadRoot { get; init; }

    public CardText ThreadTitle { get; init; }

    public ArtifactId InReplyTo { get; init; }

    /// <summary>In any order: written by name.</summary>
    public IReadOnlyList<FieldDraft> Fields { get; init; } = [];

    public CardText TicketId { get; init; }

    public CardText Title { get; init; }

    /// <summary>In any order: written ascending.</summary>
    public IReadOnlyList<ArtifactId> Members { get; init; } = [];

    public CardText Mimetype { get; init; }

    public IReadOnlyList<ArtifactId> Parents { get; init; } = [];

    /// <summary>A P card without parents, as the first check-in of old repositories has.</summary>
    public bool HasEmptyParents { get; init; }

    public IReadOnlyList<CherrypickCard> Cherrypicks { get; init; } = [];

    public CardText RepositoryChecksum { get; init; }

    /// <summary>In any order: written by name with prefix, then target.</summary>
    public IReadOnlyList<TagDraft> Tags { get; init; } = [];

    public CardText User { get; init; }

    public CardText Body { get; init; }

    /// <summary>The order that F cards need.</summary>
    public static Comparison<FileDraft> FileOrder { get; } = (a, b) => a.Name.Span.SequenceCompareTo(b.Name.Span);

    // ---- One factory per kind, with the cards that the kind requires ----

    /// <summary>
    /// A check-in, whose other cards come from the initializer; an empty comment becomes stock's placeholder.
    /// </summary>
    public static CardText CheckInComment(string? comment) => string.IsNullOrEmpty(comment) ? NoComment : comment;

    public static ArtifactDraft Cluster(IReadOnlyList<ArtifactId> members) => new() { Members = members };

    /// <summary>Tags on other artifacts: every target must be given.</summary>
    public static ArtifactDraft Control(Instant date, string user, IReadOnlyList<TagDraft> tags) =>
        new() { Date = date, User = user, Tags = tags };

    /// <summary>
    /// A version of a page; an empty body deletes the page. Stock omits N for its own wiki format.
    /// </summary>
    public static ArtifactDraft Wiki(
        Instant date, string user, string title, CardText body, ArtifactId parent = default,
        string? mimetype = null) => new()
        {
            Date = date,
            Title = title,
            Mimetype = string.IsNullOrEmpty(mimetype) || mimetype == "text/x-fossil-wiki"
            ? default
            : (CardText)mimetype,
            Parents = parent.IsEmpty ? [] : [parent],
            User = user,
            Body = body.IsAbsent ? "" : body,
        };

    /// <summary>A change of a ticket, or its creation.</summary>
    public static ArtifactDraft Ticket(Instant date, string user, string ticketId, IReadOnlyList<FieldDraft> fields) =>
        new() { Date = date, Fields = fields, TicketId = ticketId, User = user };

    /// <summary>Attaches content to a page, ticket or technote; an empty source removes the attachment.</summary>
    public static ArtifactDraft Attach(
        Instant date, string user, string name, string target, ArtifactId source, string? comment = null) => new()
        {
            Attachment = new AttachmentDraft(name, target, source),
            Comment = string.IsNullOrWhiteSpace(comment) ? default : (CardText)comment.Trim(),
            Date = date,
            User = user,
        };

    /// <summary>A version of a technote.</summary>
    public static ArtifactDraft Technote(
        Instant date, string user, Instant about, string technoteId, CardText body, string? comment = null,
        ArtifactId parent = default, string? mimetype = null, IReadOnlyList<TagDraft>? tags = null) => new()
        {
            Comment = string.IsNullOrWhiteSpace(comment) ? default : (CardText)comment.Trim(),
            Date = date,
            TechnoteDate = about,
            TechnoteId = technoteId,
            Mimetype = string.IsNullOrEmpty(mimetype) ? default : (CardText)mimetype,
            Parents = parent.IsEmpty ? [] : [parent],
            Tags = tags ?? [],
            User = user,
            Body = body.IsAbsent ? "" : body,
        };

    /// <summary>All cards of a parsed artifact.</summary>
    public static ArtifactDraft From(Artifact artifact)
    {
        var files = new FileDraft[artifact.Files.Count];
        for (var i = 0; i < files.Length; i++)
        {
            var file = artifact.Files[i];
            files[i] = new FileDraft(file.Name.ToArray(), file.Id, file.Permission, file.OldName.ToArray());
        }

        var tags = new TagDraft[artifact.Tags.Count];
        for (var i = 0; i < tags.Length; i++)
        {
            var tag = artifact.Tags[i];
            tags[i] = new TagDraft(
                tag.Action, CardText.Of(tag.Name), tag.Target, tag.HasValue ? CardText.Of(tag.Value) : default);
        }

        var fields = new FieldDraft[artifact.Fields.Count];
        for (var i = 0; i < fields.Length; i++)
            fields[i] = new FieldDraft(CardText.Of(artifact.Fields[i].FullName), CardText.Of(artifact.Fields[i].Value));

        return new ArtifactDraft
        {
            Attachment = artifact.HasCard('A')
                ? new AttachmentDraft(
                    CardText.Of(artifact.AttachmentName), CardText.Of(artifact.AttachmentTarget),
                    artifact.AttachmentSource)
                : null,
            Baseline = artifact.Baseline,
            Comment = Card('C', artifact.Comment),
            Date = artifact.HasCard('D') ? artifact.Date : null,
            TechnoteDate = artifact.HasCard('E') ? artifact.TechnoteDate : null,
            TechnoteId = Card('E', artifact.TechnoteId),
            Files = files,
            ThreadRoot = artifact.ThreadRoot,
            ThreadTitle = Card('H', artifact.ThreadTitle),
            InReplyTo = artifact.InReplyTo,
            Fields = fields,
            TicketId = Card('K', artifact.TicketId),
            Title = Card('L', artifact.Title),
            Members = artifact.Members.ToArray(),
            Mimetype = Card('N', artifact.Mimetype),
            Parents = artifact.Parents.ToArray(),
            HasEmptyParents = artifact.HasCard('P'),
            Cherrypicks = artifact.Cherrypicks.ToArray(),
            RepositoryChecksum = Card('R', artifact.RepositoryChecksum),
            Tags = tags,
            User = Card('U', artifact.User),
            Body = Card('W', artifact.Body),
        };

        CardText Card(char letter, ReadOnlySpan<byte> text) => artifact.HasCard(letter) ? CardText.Of(text) : default;
    }

    /// <summary>The text of the artifact, Z card included.</summary>
    public byte[] ToBytes()
    {
        var size = 512 + Comment.Bytes.Length + Body.Bytes.Length + (Members.Count * 67);
        foreach (var file in Files) size += file.Name.Length + file.OldName.Length + 80;
        var writer = new CardWriter(size);

        if (Attachment is { } attachment)
        {
            writer.Card('A').Text(attachment.Name).Text(attachment.Target);
            if (!attachment.Source.IsEmpty) writer.Hash(attachment.Source);
            writer.End();
        }

        if (!Baseline.IsEmpty) writer.Card('B').Hash(Baseline).End();
        if (!Comment.IsAbsent) writer.Card('C').Text(Comment).End();
        if (Date is { } date) writer.Card('D').Date(date).End();
        if (TechnoteDate is { } about)
            writer.Card('E').Moment(about).Raw(TechnoteId.Bytes).End();
        foreach (var file in Files) writer.File(file);
        if (!ThreadRoot.IsEmpty) writer.Card('G').Hash(ThreadRoot).End();
        if (!ThreadTitle.IsAbsent) writer.Card('H').Text(ThreadTitle).End();
        if (!InReplyTo.IsEmpty) writer.Card('I').Hash(InReplyTo).End();
        foreach (var field in Fields.Order(FieldOrder)) writer.Card('J').Raw(field.Name.Bytes).Text(field.Value).End();
        if (!TicketId.IsAbsent) writer.Card('K').Raw(TicketId.Bytes).End();
        if (!Title.IsAbsent) writer.Card('L').Text(Title).End();
        foreach (var member in Members.Order()) writer.Card('M').Hash(member).End();
        if (!Mimetype.IsAbsent) writer.Card('N').Text(Mimetype).End();
        if (Parents.Count > 0 || HasEmptyParents)
        {
            writer.Card('P');
            foreach (var parent in Parents) writer.Hash(parent);
            writer.End();
        }

        foreach (var pick in Cherrypicks) writer.Cherrypick(pick);
        if (!RepositoryChecksum.IsAbsent) writer.Card('R').Raw(RepositoryChecksum.Bytes).End();
        foreach (var tag in Tags.Order(TagOrder)) writer.Tag(tag);
        if (!User.IsAbsent) writer.Card('U').Text(User).End();
        if (!Body.IsAbsent) writer.Body(Body.Bytes);
        return writer.Finish();
    }

    private static readonly Comparer<FieldDraft> FieldOrder =
        Comparer<FieldDraft>.Create((a, b) => a.Name.Bytes.SequenceCompareTo(b.Name.Bytes));

    private static readonly Comparer<TagDraft> TagOrder = Comparer<TagDraft>.Create((a, b) =>
    {
        var order = PrefixOf(a.Action).CompareTo(PrefixOf(b.Action));
        if (order == 0) order = a.Name.Bytes.SequenceCompareTo(b.Name.Bytes);
        return order != 0 ? order : a.Target.CompareTo(b.Target);
    });

    internal static byte PrefixOf(TagAction action) => action switch
    {
        TagAction.Cancel => (byte)'-',
        TagAction.Single => (byte)'+',
        _ => (byte)'*',
    };
}

/// <summary>A card to write.</summary>
public readonly record struct AttachmentDraft(CardText Name, CardText Target, ArtifactId Source = default);
