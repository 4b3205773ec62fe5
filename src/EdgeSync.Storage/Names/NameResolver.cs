using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Names;

/// <summary>Why a name does not resolve to one record.</summary>
public enum NameFault
{
    None,
    NotFound,
    Ambiguous,
}

/// <summary>
/// Resolves a name from the command line to a record, as stock does:
/// <code>
/// tip                      newest check-in                     1f3a… (4 or more digits)   the artifact
/// current prev next        around the open check-out           tag:X                      newest with tag or branch X
/// 2026-11-22T10:00, date:… newest at that time                 X:2026-11-22               newest with X at that time
/// root:X                   where branch X began, on its parent start:X                    first check-in of X
/// merge-in:X               newest merge into X                 X                          newest with tag or branch X
/// </code>
/// "Newest" goes by the check-in's own time: the times of propagated tags are all the same.
/// </summary>
// Spec: name.c, symbolic_name_to_rid.
public sealed class NameResolver
{
    private static readonly System.Buffers.SearchValues<char> HexDigits = System.Buffers.SearchValues.Create(
        "0123456789abcdef");

    private const int CandidatesMax = 12;
    private const int HashDigitsMin = 4;
    private const int PrefixesMax = 8;

    private readonly Repository _repository;
    private bool _hidesPrivate;

    internal NameResolver(Repository repository) => _repository = repository;

    /// <summary>
    /// The check-in that is checked out, which gives meaning to <c>current</c>, <c>prev</c> and <c>next</c>.
    /// </summary>
    public RecordId Checkout { get; set; }

    /// <summary>What is meant where no version is named: what is checked out, or the newest.</summary>
    public string DefaultVersion => Checkout.IsNone ? "tip" : "current";

    private Database Database => _repository.Database;

    // Which rows names are looked up in: all, or those of artifacts that are not private.
    private string Events => _hidesPrivate
        ? "(SELECT objid, type, mtime FROM event WHERE NOT EXISTS(SELECT 1 FROM private WHERE rid=objid))" : "event";

    private string Blobs => _hidesPrivate
        ? "(SELECT rid, uuid FROM blob WHERE NOT EXISTS(SELECT 1 FROM private WHERE private.rid=blob.rid))" : "blob";

    /// <summary>
    /// The same names for those who may not see private artifacts: the newest check-in is the newest that is public.
    /// </summary>
    public NameResolver WithoutPrivate() => new(_repository) { Checkout = Checkout, _hidesPrivate = true };

    /// <summary>The one record that the name resolves to.</summary>
    /// <exception cref="EdgeSyncException">Not found, or ambiguous (then with candidates).</exception>
    public RecordId Resolve(string name, EventType type = EventType.Any)
    {
        var fault = TryResolve(name, type, out var rid);
        if (fault == NameFault.None) return rid;

        var what = type == EventType.Checkin ? "check-in" : "artifact";
        if (fault == NameFault.NotFound)
        {
            if (name.Length is > 0 and < 4 && name.All(char.IsAsciiHexDigit))
                throw new EdgeSyncException(
                    ErrorKind.NotFound, $"no {what} is named '{name}', and a hash prefix needs at least 4 digits",
                    "give more digits");

            throw new EdgeSyncException(
                ErrorKind.NotFound, $"no {what} is named '{name}' in {_repository.Path}",
                "edgesync repo timeline; edgesync repo branch ls; edgesync repo tag ls");
        }

        var candidates = Candidates(name, type);
        throw new EdgeSyncException(
            ErrorKind.Ambiguous,
            $"'{name}' is the beginning of {(candidates.Count < CandidatesMax ? candidates.Count : "many")} names",
            "give more digits")
        {
            Candidates = candidates,
        };
    }

    /// <summary>A check-in; no name at all means the newest one.</summary>
    /// <inheritdoc cref="Resolve"/>
    public RecordId ResolveCheckin(string? name)
    {
        if (string.IsNullOrEmpty(name)) name = "tip";
        var rid = Resolve(name, EventType.Checkin);
        return rid;
    }

    /// <summary>As <see cref="Resolve"/>, with the fault as a value.</summary>
    public NameFault TryResolve(string name, EventType type, out RecordId rid) =>
        TryResolve(name, type, PrefixesMax, out rid);

    private NameFault TryResolve(string name, EventType type, int prefixesLeft, out RecordId rid)
    {
        rid = RecordId.None;
        if (name.Length == 0 || prefixesLeft == 0) return NameFault.NotFound;

        var isCheckin = type is EventType.Any or EventType.Checkin;
        if (isCheckin && TryKeyword(name, out rid)) return NameFault.None;

        if (Prefixed(name, "date:") is { } date)
            return Found(rid = AtTime(NameDate.RoundUp(NameDate.Expand(date) ?? date), FromLocal, type));
        if (NameDate.LooksLikeDate(name) && !(rid = AtTime(NameDate.RoundUp(name), FromLocal, type)).IsNone)
            return NameFault.None;
        if (Prefixed(name, "local:") is { } local) return Found(rid = AtTime(local, "+0 seconds", type));
        if (Prefixed(name, "utc:") is { } utc)
            return Found(rid = AtTime(NameDate.RoundUp(utc) + "z", "+0 seconds", type));
        if (Prefixed(name, "tag:") is { } tag) return Found(rid = NewestWithTag(tag, type));

        if (Prefixed(name, "root:") is { } root) return OnBranch(root, type, prefixesLeft, BranchOrigin.Root, out rid);
        if (Prefixed(name, "start:") is { } start)
            return OnBranch(start, type, prefixesLeft, BranchOrigin.Start, out rid);
        if (Prefixed(name, "merge-in:") is { } merge)
            return OnBranch(merge, type, prefixesLeft, BranchOrigin.MergeIn, out rid);

        if (TryTagAtTime(name, type, out rid)) return Found(rid);

        var fault = ByHash(name, type, out rid);
        if (fault != NameFault.NotFound) return fault;

        rid = type == EventType.Wiki ? NewestWiki(name) : NewestWithTag(name, type);
        if (!rid.IsNone) return NameFault.None;

        if (NameDate.Expand(name) is { } digits && !(rid = AtTime(NameDate.RoundUp(digits), FromLocal, type)).IsNone)
            return NameFault.None;

        if (Prefixed(name, "rid:") is { } number) return Found(rid = ByNumber(number, type));

        // A name copied from running text may end in punctuation.
        var bare = name.AsSpan().TrimEnd("._)>!?,");
        return name.Length - bare.Length is 1 or 2 && bare.Length >= HashDigitsMin
            ? TryResolve(bare.ToString(), type, prefixesLeft - 1, out rid)
            : NameFault.NotFound;
    }

    private static NameFault Found(RecordId rid) => rid.IsNone ? NameFault.NotFound : NameFault.None;

    private static string? Prefixed(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : null;

    // Spec: db.c, fromLocal(): dates are UTC unless the repository has the setting for local time.
    private string FromLocal => _repository.Settings.Boolean("timeline-utc", otherwise: true) ? "+0 seconds" : "utc";

    private bool TryKeyword(string name, out RecordId rid)
    {
        rid = RecordId.None;
        if (name == "tip")
        {
            rid = One($"SELECT objid FROM {Events} AS event WHERE type='ci' ORDER BY mtime DESC LIMIT 1");
        }
        else if (!Checkout.IsNone)
        {
            rid = name switch
            {
                "current" or "ckout" => Checkout,
                "prev" or "previous" => One("SELECT pid FROM plink WHERE cid=?1 AND isprim", Checkout),
                "next" => One("SELECT cid FROM plink WHERE pid=?1 ORDER BY isprim DESC, mtime DESC LIMIT 1", Checkout),
                _ => RecordId.None,
            };
        }

        return !rid.IsNone;
    }

    private RecordId AtTime(string date, string zone, EventType type)
    {
        using var select = Database.Prepare(
            $"""
            SELECT objid FROM {Events} AS event
             WHERE mtime<=julianday(?1,?2) AND type GLOB ?3 ORDER BY mtime DESC LIMIT 1
            """);
        select.BindText(1, date).BindText(2, zone).BindText(3, type.Letters());
        return select.Step() ? select.Record(0) : RecordId.None;
    }

    // A frequent tag (trunk) is found soon, walking back from the newest event; a rare one by its rows.
    private RecordId NewestWithTag(string tag, EventType type)
    {
        using var select = Database.Prepare(
            $"""
            SELECT objid FROM (
              SELECT objid FROM (
                SELECT objid, type, mtime FROM {Events} AS event ORDER BY mtime DESC LIMIT 30) AS recent
               WHERE type GLOB ?2
                 AND EXISTS(SELECT 1 FROM tag JOIN tagxref USING(tagid)
                             WHERE tagname=?1 AND tagtype>0 AND tagxref.rid=recent.objid)
               ORDER BY mtime DESC LIMIT 1)
            UNION ALL SELECT objid FROM (
              SELECT event.objid FROM tag JOIN tagxref USING(tagid) JOIN {Events} AS event ON event.objid=tagxref.rid
               WHERE tagname=?1 AND tagtype>0 AND event.type GLOB ?2
               ORDER BY event.mtime DESC LIMIT 1)
            LIMIT 1
            """);
        return select.BindText(1, "sym-" + tag).BindText(2, type.Letters()).Step() ? select.Record(0) : RecordId.None;
    }

    private RecordId NewestWiki(string page)
    {
        using var select = Database.Prepare(
            $"""
            SELECT event.objid FROM tag JOIN tagxref USING(tagid) JOIN {Events} AS event ON event.objid=tagxref.rid
             WHERE tagname=?1 AND tagtype>0 AND event.type GLOB 'w*' ORDER BY event.mtime DESC LIMIT 1
            """);
        return select.BindText(1, "wiki-" + page).Step() ? select.Record(0) : RecordId.None;
    }

    private bool TryTagAtTime(string name, EventType type, out RecordId rid)
    {
        rid = RecordId.None;
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || colon > name.Length - 9) return false;

        var date = name[(colon + 1)..];
        if (!NameDate.LooksLikeDate(date) && NameDate.Expand(date) is null) return false;
        if (date.EndsWith("utc", StringComparison.OrdinalIgnoreCase)) date = date[..^3] + "z";

        using var select = Database.Prepare(
            $"""
            SELECT event.objid FROM tag JOIN tagxref USING(tagid) JOIN {Events} AS event ON event.objid=tagxref.rid
             WHERE tagname=?1 AND tagtype>0 AND event.mtime<=julianday(?2,?3) AND event.type GLOB ?4
             ORDER BY event.mtime DESC LIMIT 1
            """);
        select.BindText(1, "sym-" + name[..colon])
            .BindText(2, NameDate.RoundUp(NameDate.Expand(date) ?? date))
            .BindText(3, FromLocal)
            .BindText(4, type.Letters());
        if (select.Step()) rid = select.Record(0);
        return true;
    }

    private NameFault ByHash(string name, EventType type, out RecordId rid)
    {
        rid = RecordId.None;
        if (!TryHashPrefix(name, out var digits)) return NameFault.NotFound;

        using var select = SelectByHash(digits, type);
        if (!select.Step()) return NameFault.NotFound;

        rid = select.Record(0);
        if (!select.Step()) return NameFault.None;

        rid = RecordId.None;
        return NameFault.Ambiguous;
    }

    private List<string> Candidates(string name, EventType type)
    {
        var candidates = new List<string>();
        var plain = name[(name.LastIndexOf(':') + 1)..];
        if (!TryHashPrefix(plain, out var digits)) return candidates;

        using var select = SelectByHash(digits, type);
        while (candidates.Count < CandidatesMax && select.Step()) candidates.Add(select.Text(1)!);
        return candidates;
    }

    private static bool TryHashPrefix(string name, out string digits)
    {
        if (name.StartsWith('[')) name = name[1..];
        if (name.EndsWith(']')) name = name[..^1];
        digits = name.ToLowerInvariant();
        return digits.Length is >= HashDigitsMin and <= ArtifactId.HexLengthMax
            && digits.AsSpan().IndexOfAnyExcept(HexDigits) < 0;
    }

    // All names with this beginning lie between it and it + 'g'. Digits only, so nothing here is a pattern.
    private Statement SelectByHash(string digits, EventType type)
    {
        var select = type == EventType.Any
            ? Database.Prepare(
                $"SELECT rid, uuid FROM {Blobs} AS blob WHERE uuid>=?1 AND uuid<?1||'g' ORDER BY uuid")
            : Database.Prepare(
                $"""
                SELECT rid, uuid FROM blob CROSS JOIN {Events} AS event
                 WHERE uuid>=?1 AND uuid<?1||'g' AND objid=rid AND type GLOB ?2 ORDER BY uuid
                """);
        select.BindText(1, digits);
        if (type != EventType.Any) select.BindText(2, type.Letters());
        return select;
    }

    private RecordId ByNumber(string number, EventType type)
    {
        if (!long.TryParse(number, System.Globalization.NumberStyles.None, null, out var rid)) return RecordId.None;
        return type == EventType.Any
            ? One($"SELECT rid FROM {Blobs} AS blob WHERE rid=?1", new RecordId(rid))
            : One($"SELECT objid FROM {Events} AS event WHERE objid=?1 AND type GLOB ?2", new RecordId(rid),
                type.Letters());
    }

    private NameFault OnBranch(string name, EventType type, int prefixesLeft, BranchOrigin origin, out RecordId rid)
    {
        var fault = TryResolve(name, type, prefixesLeft - 1, out rid);
        if (fault != NameFault.None) return fault;

        rid = new BranchHistory(_repository).OriginOf(rid, origin);
        return Found(rid);
    }

    private RecordId One(string sql, RecordId? parameter = null, string? text = null)
    {
        using var select = Database.Prepare(sql);
        if (parameter is { } rid) select.Bind(1, rid);
        if (text is not null) select.BindText(2, text);
        return select.Step() ? select.Record(0) : RecordId.None;
    }
}
