using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// Compares a check-in's files with its parents': at once, or when all check-ins have been read.
/// </summary>
internal interface IFileLinks
{
    /// <summary>The check-in has arrived, or its parents have changed.</summary>
    void Add(RecordId record, CheckInFiles files, ParentLinks links);

    /// <summary>The files of a check-in; null while it is a phantom, or if the record is something else.</summary>
    CheckInFiles? Find(RecordId record);

    /// <summary>
    /// The same for the parent that a check-in names: another artifact has no files. Null for other content.
    /// </summary>
    CheckInFiles? FindParent(RecordId record);
}

/// <summary>The check-ins that a check-in's files are compared with.</summary>
/// <param name="Primary">The first parent of the P card, or of a <c>parent</c> tag; none if it is shunned.</param>
/// <param name="Others">P cards after the first, then cherrypick sources.</param>
/// <param name="Count">How many links there are; below two nothing can have come by merge.</param>
/// <param name="IsRoot">It has no parents.</param>
internal readonly record struct ParentLinks(RecordId Primary, RecordId[] Others, int Count, bool IsRoot);

/// <summary>Check-ins: plink, cherrypick, event, mlink, and their backlinks.</summary>
/// <remarks>Spec: manifest.c, manifest_crosslink and manifest_add_checkin_linkages; specs §5, §5.1.</remarks>
internal sealed class CheckInLinker(
    LinkContext context, EventTable events, BacklinkTable backlinks, CherrypickTable cherrypicks, IFileLinks files)
{
    private bool _deltaNoted;

    /// <summary>Links all but the tags; returns the primary parent.</summary>
    public RecordId Link(RecordId record, Artifact checkIn, CheckInFiles fileList)
    {
        cherrypicks.Write(record, checkIn.Cherrypicks);

        // An earlier parent tag has set parents already; its own ones are written completely, and the tag is applied
        // again. Differs from Fossil: stock treats such a check-in as linked, and omits it from the timeline.
        DeleteParents(record);
        var primary = WriteParents(record, checkIn.JulianDay, fileList, fileList.Parents);
        var comment = events.WriteCheckIn(
            record, checkIn.JulianDay,
            checkIn.HasCard('U') ? checkIn.User.ToArray() : null,
            checkIn.HasCard('C') ? checkIn.Comment.ToArray() : null);
        backlinks.Replace(comment ?? [], LinkMarkup.Wiki, BacklinkSource.Comment, record.Value, checkIn.JulianDay);
        if (fileList.IsDelta && !_deltaNoted)
        {
            context.Store.NoteDeltaManifest();
            _deltaNoted = true;
        }

        return primary;
    }

    /// <summary>Replaces the parents of a check-in by those of a <c>parent</c> tag.</summary>
    public void Reparent(RecordId record, CheckInFiles fileList, ReadOnlySpan<byte> value)
    {
        if (!TryParseHashes(value, out var parents) || HasParents(record, parents)) return;

        DeleteParents(record);
        WriteParents(record, fileList.JulianDay, fileList, parents);
    }

    /// <summary>Compares a check-in again with its present parents.</summary>
    public void Relink(RecordId record, CheckInFiles fileList)
    {
        var primary = RecordId.None;
        using (var query = context.Database.Prepare("SELECT pid FROM plink WHERE cid=?1 AND isprim"))
        {
            if (query.Bind(1, record).Step()) primary = query.Record(0);
        }

        var parentCount = fileList.Parents.Length;
        using (var query = context.Database.Prepare(
            "SELECT value FROM tagxref WHERE tagid=10 AND tagtype=1 AND rid=?1"))
        {
            if (query.Bind(1, record).Step() && TryParseHashes(query.Bytes(0), out var parents))
                parentCount = parents.Length;
        }

        AddFiles(record, fileList, primary, parentCount);
    }

    private void DeleteParents(RecordId record)
    {
        using var delete = context.Database.Prepare("DELETE FROM plink WHERE cid=?1");
        delete.Bind(1, record).Run();
    }

    private RecordId WriteParents(RecordId record, double julianDay, CheckInFiles fileList, ArtifactId[] parents)
    {
        var baseline = fileList.IsDelta ? context.Store.FindOrCreate(fileList.Baseline) : RecordId.None;
        var primary = RecordId.None;
        for (var i = 0; i < parents.Length; i++)
        {
            var parent = context.Store.FindOrCreate(parents[i]);
            if (i == 0) primary = parent;
            WriteParent(record, parent, i == 0, julianDay, fileList.IsDelta ? baseline : null);
        }

        AddFiles(record, fileList, primary, parents.Length);
        return primary;
    }

    // Stock compares with the parents of the P card after the first even when a tag set others.
    private void AddFiles(RecordId record, CheckInFiles fileList, RecordId primary, int parentCount)
    {
        var others = new List<RecordId>();
        foreach (var parent in fileList.Parents.AsSpan(Math.Min(1, fileList.Parents.Length)))
            others.Add(context.Store.Find(parent));
        foreach (var source in fileList.Cherrypicks) others.Add(context.Store.Find(source));
        var linkCount = parentCount + fileList.Cherrypicks.Length;
        files.Add(record, fileList, new ParentLinks(primary, [.. others], linkCount, IsRoot: parentCount == 0));
    }

    private void WriteParent(RecordId record, RecordId parent, bool isPrimary, double julianDay, RecordId? baseline)
    {
        using var insert = context.Database.Prepare(
            "INSERT OR IGNORE INTO plink(pid,cid,isprim,mtime,baseid) VALUES(?1,?2,?3,?4,?5)");
        insert.Bind(1, parent).Bind(2, record).Bind(3, isPrimary ? 1L : 0L).Bind(4, StockNumber.AsStored(julianDay));
        if (baseline is { } known) insert.Bind(5, known);
        else insert.BindNull(5);
        insert.Run();
    }

    // Each hash is followed by one byte of white space, except the last.
    private static bool TryParseHashes(ReadOnlySpan<byte> value, out ArtifactId[] hashes)
    {
        hashes = [];
        var found = new List<ArtifactId>();
        foreach (var part in Encoding.Latin1.GetString(value).Split(' '))
        {
            if (!ArtifactId.TryParse(part, out var id)) return false;
            found.Add(id);
        }

        hashes = [.. found];
        return hashes.Length > 0;
    }

    private bool HasParents(RecordId record, ArtifactId[] parents)
    {
        var known = new HashSet<(long, bool)>();
        using (var query = context.Database.Prepare("SELECT pid, isprim FROM plink WHERE cid=?1"))
        {
            query.Bind(1, record);
            while (query.Step()) known.Add((query.Int64(0), query.Boolean(1)));
        }

        var wanted = new HashSet<(long, bool)>();
        for (var i = 0; i < parents.Length; i++)
        {
            var parent = context.Store.Find(parents[i]).Value;
            if (i == 0 || !wanted.Contains((parent, true))) wanted.Add((parent, i == 0));
        }

        return known.SetEquals(wanted);
    }
}
