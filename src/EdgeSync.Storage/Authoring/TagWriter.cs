using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Authoring;

/// <summary>
/// Tags as control artifacts: they are synced and survive a rebuild, unlike a row in a table. Spec: tag_add_artifact in
/// tag.c, ci_amend_cmd in info.c, branch.c.
/// </summary>
public sealed class TagWriter(Repository repository)
{
    private readonly ArtifactAuthor _author = new(repository);

    private Database Database => repository.Database;

    /// <exception cref="EdgeSyncException">The name cannot be a tag.</exception>
    public AuthoredArtifact Add(TagOptions options) =>
        Write(options.Target, options.User, options.Date, TagsOf(options));

    /// <summary>
    /// Gives a check-in the parents of the value, in the tables alone: the next rebuild takes it back.
    /// </summary>
    public void ReparentUntilRebuild(TagOptions options)
    {
        using var transaction = repository.Begin();
        repository.Crosslinker.ReparentUntilRebuild(options.Target, Encoding.UTF8.GetBytes(options.Value ?? ""));
        transaction.Commit();
    }

    /// <summary>The control artifact that <see cref="Add"/> would store.</summary>
    /// <exception cref="EdgeSyncException">The name cannot be a tag.</exception>
    public byte[] Draft(TagOptions options)
    {
        var tags = TagsOf(options);
        return DraftOf(options.Target, options.User, options.Date, tags).ToBytes();
    }

    /// <summary>Cancels the tag, here and on descendants that inherit it from here.</summary>
    public AuthoredArtifact Cancel(TagOptions options) =>
        Write(options.Target, options.User, options.Date, [(TagAction.Cancel, StoredName(options), default)]);

    /// <summary>Closes the branch that ends in this leaf.</summary>
    /// <exception cref="EdgeSyncException">It is not a leaf, or closed already.</exception>
    public AuthoredArtifact Close(RecordId leaf, string user, Instant? date = null)
    {
        RequireLeaf(leaf);
        return Has(leaf, "closed")
            ? throw new EdgeSyncException(ErrorKind.Conflict, $"{NameOf(leaf)} is closed already")
            : Write(leaf, user, date, [(TagAction.Single, "closed", default)], isUnsent: true);
    }

    /// <summary>Opens a closed leaf again.</summary>
    /// <exception cref="EdgeSyncException">It is not a leaf, or not closed.</exception>
    public AuthoredArtifact Reopen(RecordId leaf, string user, Instant? date = null)
    {
        RequireLeaf(leaf);
        return Has(leaf, "closed")
            ? Write(leaf, user, date, [(TagAction.Cancel, "closed", default)], isUnsent: true)
            : throw new EdgeSyncException(ErrorKind.Conflict, $"{NameOf(leaf)} is not closed");
    }

    /// <summary>Hides a check-in and its descendants from timelines.</summary>
    /// <exception cref="EdgeSyncException">Hidden already.</exception>
    public AuthoredArtifact Hide(RecordId checkIn, string user, Instant? date = null) => Has(checkIn, "hidden")
        ? throw new EdgeSyncException(ErrorKind.Conflict, $"{NameOf(checkIn)} is hidden already")
        : Write(checkIn, user, date, [(TagAction.Propagating, "hidden", default)], isUnsent: true);

    /// <summary>Shows it again.</summary>
    /// <exception cref="EdgeSyncException">Not hidden.</exception>
    public AuthoredArtifact Unhide(RecordId checkIn, string user, Instant? date = null) => Has(checkIn, "hidden")
        ? Write(checkIn, user, date, [(TagAction.Cancel, "hidden", default)], isUnsent: true)
        : throw new EdgeSyncException(ErrorKind.Conflict, $"{NameOf(checkIn)} is not hidden");

    public bool IsClosed(RecordId checkIn) => Has(checkIn, "closed");

    public bool IsHidden(RecordId checkIn) => Has(checkIn, "hidden");

    /// <summary>
    /// The target has the tag itself, with this value and reach: adding it again would change nothing.
    /// </summary>
    public bool IsSet(TagOptions options)
    {
        using var select = Database.Prepare(
            "SELECT tagtype, coalesce(value,'') FROM tagxref JOIN tag USING(tagid) WHERE rid=?1 AND tagname=?2 AND "
                + "srcid>0");
        return select.Bind(1, options.Target).BindText(2, StoredName(options)).Step()
            && select.Int64(0) == (options.Propagates ? 2 : 1) && select.Text(1) == (options.Value ?? "");
    }

    /// <summary>The tag is in force on the target, its own or an ancestor's.</summary>
    public bool IsAny(TagOptions options) => Has(options.Target, StoredName(options));

    /// <summary>One control artifact for all that differs from the present state; null if nothing does.</summary>
    public AuthoredArtifact? Amend(AmendOptions options)
    {
        var target = options.Target;
        var tags = new Dictionary<string, (TagAction Action, CardText Value)>(StringComparer.Ordinal);
        var (comment, user, date, color) = Shown(target);

        if (options.Color is { Length: > 0 } newColor && Normalized(newColor) is var wanted &&
            (wanted != color || options.ColorPropagates != IsPropagating(target, "bgcolor")))
        {
            tags["bgcolor"] = (options.ColorPropagates ? TagAction.Propagating : TagAction.Single, wanted);
        }
        else if (options.Color is "" && !string.IsNullOrEmpty(color))
        {
            tags["bgcolor"] = (TagAction.Cancel, default);
        }

        if (!string.IsNullOrEmpty(options.Comment) && options.Comment.Trim() != comment.Trim())
            tags["comment"] = (TagAction.Single, options.Comment);
        if (options.NewDate is { } newDate && newDate.UnixMilliseconds != date.UnixMilliseconds)
            tags["date"] = (TagAction.Single, DateValue(newDate, options.DateSeparator));
        if (!string.IsNullOrEmpty(options.Author) && options.Author != user)
            tags["user"] = (TagAction.Single, options.Author);

        foreach (var tag in options.AddedTags.Where(tag => tag.Length > 0))
            tags["sym-" + tag] = (TagAction.Single, default);
        foreach (var tag in options.CancelledTags.Where(tag => Has(target, "sym-" + tag)))
            tags["sym-" + tag] = (TagAction.Cancel, default);
        if (options.Hides && !Has(target, "hidden")) tags["hidden"] = (TagAction.Propagating, default);

        // Spec: close_leaf in info.c: what has descendants closes them too.
        if (options.Closes && !Has(target, "closed"))
            tags["closed"] = (IsLeaf(target) ? TagAction.Single : TagAction.Propagating, default);

        if (options.Branch is { Length: > 0 } branch)
        {
            foreach (var name in PropagatingNamesOf(target)) tags[name] = (TagAction.Cancel, default);
            tags["branch"] = (TagAction.Propagating, branch);
            tags["sym-" + branch] = (TagAction.Propagating, default);
        }

        return tags.Count == 0
            ? null
            : Write(
                target, options.User, options.Date,
                [.. tags.Select(tag => (tag.Value.Action, tag.Key, tag.Value.Value))]);
    }

    private (TagAction Action, string Name, CardText Value)[] TagsOf(TagOptions options)
    {
        var action = options.Propagates ? TagAction.Propagating : TagAction.Single;
        var value = string.IsNullOrEmpty(options.Value) ? default : (CardText)options.Value;
        return [(action, StoredName(options), value)];
    }

    private ArtifactDraft DraftOf(
        RecordId target, string user, Instant? date,
        IReadOnlyList<(TagAction Action, string Name, CardText Value)> tags)
    {
        var id = repository.Content.NameOf(target);
        if (id.IsEmpty) throw new EdgeSyncException(ErrorKind.NotFound, $"{repository.Path} has no record {target}");

        return ArtifactDraft.Control(
            date ?? After(target, tags), user,
            [.. tags.Select(tag => new TagDraft(tag.Action, tag.Name, id, tag.Value))]);
    }

    // Spec: branch.c marks its artifacts as unsent, tag.c and info.c do not.
    private AuthoredArtifact Write(
        RecordId target, string user, Instant? date,
        IReadOnlyList<(TagAction Action, string Name, CardText Value)> tags,
        bool isUnsent = false)
    {
        using var transaction = repository.Begin();
        _author.SignIn(user);
        var draft = DraftOf(target, user, date, tags);
        var made = _author.Store(draft, ArtifactKind.Control, repository.Content.IsPrivate(target), isUnsent);
        transaction.Commit();
        return made;
    }

    // Of two changes of one tag the later wins, and at the same millisecond the first: so ours must be later than all
    // existing ones, also when another machine's clock was ahead.
    private Instant After(RecordId target, IReadOnlyList<(TagAction Action, string Name, CardText Value)> tags)
    {
        var now = _author.DateOr(null);
        foreach (var (_, name, _) in tags)
        {
            using var select = Database.Prepare(
                "SELECT mtime FROM tagxref JOIN tag USING(tagid) WHERE rid=?1 AND tagname=?2 AND srcid>0");
            if (!select.Bind(1, target).BindText(2, name).Step()) continue;

            var before = Instant.FromJulianDay(select.Double(0));
            if (before >= now) now = Instant.FromUnixMilliseconds(before.UnixMilliseconds + 1);
        }

        return now;
    }

    private string StoredName(TagOptions options)
    {
        var name = options.Name;

        // These mark a page, a ticket or a technote.
        if (name.StartsWith("wiki-", StringComparison.Ordinal) || name.StartsWith("tkt-", StringComparison.Ordinal) ||
            name.StartsWith("event-", StringComparison.Ordinal))
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{name}' is reserved: tags may not begin with wiki-, tkt- or event-");
        }

        if (name.Length == 0) throw new EdgeSyncException(ErrorKind.Usage, "a tag needs a name");
        if (options.IsRaw) return name;

        using var select = Database.Prepare("SELECT 1 FROM event WHERE objid=?1 AND type='ci'");
        return select.Bind(1, options.Target).Step() ? "sym-" + name : name;
    }

    private (string Comment, string User, Instant Date, string? Color) Shown(RecordId checkIn)
    {
        using var select = Database.Prepare(
            "SELECT coalesce(ecomment,comment), coalesce(euser,user), mtime, bgcolor FROM event WHERE objid=?1 AND "
                + "type='ci'");
        return select.Bind(1, checkIn).Step()
            ? (select.Text(0) ?? "", select.Text(1) ?? "", Instant.FromJulianDay(select.Double(2)), select.Text(3))
            : throw new EdgeSyncException(ErrorKind.Usage, $"{NameOf(checkIn)} is not a check-in");
    }

    private List<string> PropagatingNamesOf(RecordId checkIn)
    {
        using var select = Database.Prepare(
            "SELECT tagname FROM tagxref JOIN tag USING(tagid) WHERE rid=?1 AND tagtype=2 AND tagname GLOB 'sym-*'");
        select.Bind(1, checkIn);
        var names = new List<string>();
        while (select.Step()) names.Add(select.Text(0)!);
        return names;
    }

    private bool Has(RecordId rid, string name) => TypeOf(rid, name) > 0;

    private bool IsPropagating(RecordId rid, string name) => TypeOf(rid, name) == 2;

    private long TypeOf(RecordId rid, string name)
    {
        using var select = Database.Prepare(
            "SELECT tagtype FROM tagxref JOIN tag USING(tagid) WHERE rid=?1 AND tagname=?2");
        return select.Bind(1, rid).BindText(2, name).Step() ? select.Int64(0) : 0;
    }

    private bool IsLeaf(RecordId rid)
    {
        using var select = Database.Prepare("SELECT 1 FROM leaf WHERE rid=?1");
        return select.Bind(1, rid).Step();
    }

    private void RequireLeaf(RecordId rid)
    {
        if (!IsLeaf(rid))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{NameOf(rid)} is not the end of a branch",
                "name the branch, or its newest check-in");
    }

    private string NameOf(RecordId rid) => repository.Content.NameOf(rid).ToShortString();

    private static string DateValue(Instant date, char separator)
    {
        var text = DateText.Format(date).Replace('T', separator);
        return text.EndsWith(".000", StringComparison.Ordinal) ? text[..^4] : text;
    }

    // Spec: info.c: three or six hex digits get the number sign.
    private static string Normalized(string color) =>
        color.Length is 3 or 6 && color.All(char.IsAsciiHexDigit)
        ? string.Create(CultureInfo.InvariantCulture, $"#{color}")
        : color;
}
