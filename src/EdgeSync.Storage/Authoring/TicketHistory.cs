using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>A field that a change has set.</summary>
/// <param name="Name">The field.</param>
/// <param name="Value">The new text, or what was appended.</param>
/// <param name="IsAppended">It was appended.</param>
public sealed record TicketFieldChange(string Name, string Value, bool IsAppended);

/// <summary>One change of a ticket, or a file that was attached to it or removed.</summary>
/// <param name="Date">When.</param>
/// <param name="User">The login of the change.</param>
/// <param name="Fields">What was set; empty for a file.</param>
/// <param name="File">The file; null for a change of fields.</param>
/// <param name="IsFileRemoved">The file was removed.</param>
public sealed record TicketChange(
    Instant Date, string User, IReadOnlyList<TicketFieldChange> Fields, string? File, bool IsFileRemoved)
{
    /// <summary>The artifact of a change of fields.</summary>
    public RecordId Rid { get; init; }
}

/// <summary>What happened to a ticket. Spec: ticket_cmd in tkt.c.</summary>
public static class TicketHistory
{
    /// <summary>Newest first.</summary>
    /// <param name="repository">The repository to read.</param>
    /// <param name="ticketId">Its whole id.</param>
    public static IReadOnlyList<TicketChange> Of(Repository repository, string ticketId)
    {
        var changes = new List<TicketChange>();
        var rids = new List<RecordId>();
        using (var select = repository.Database.Prepare(
            """
            SELECT objid FROM event
             WHERE objid IN (SELECT rid FROM tagxref WHERE tagid=(SELECT tagid FROM tag WHERE tagname='tkt-'||?1))
             ORDER BY objid
            """))
        {
            select.BindText(1, ticketId);
            while (select.Step()) rids.Add(select.Record(0));
        }

        // A tag of a ticket also marks what was attached to it, which is listed below.
        foreach (var rid in rids)
            if (TryRead(repository, rid, out var change)) changes.Add(change);

        using (var files = repository.Database.Prepare(
            "SELECT mtime, filename, src, user FROM attachment WHERE target=?1"))
        {
            files.BindText(1, ticketId);
            while (files.Step())
            {
                changes.Add(new TicketChange(
                    Instant.FromJulianDay(files.Double(0)), files.Text(3) ?? "", [], files.Text(1),
                    string.IsNullOrEmpty(files.Text(2))));
            }
        }

        // Stock's times are seconds; within one the order is that of the artifacts.
        return [.. changes.OrderByDescending(c => c.Date.UnixMilliseconds / 1000)];
    }

    private static bool TryRead(Repository repository, RecordId rid, out TicketChange change)
    {
        byte[] text;
        using (var content = repository.Content.Get(rid)) text = content.Span.ToArray();
        change = null!;
        if (!ArtifactParser.TryParse(
            text, out var artifact, new ArtifactParserOptions(repository.Now, SkipsChecksum: true))
            || artifact.Kind != ArtifactKind.Ticket) return false;

        var fields = new List<TicketFieldChange>();
        foreach (var field in artifact.Fields)
        {
            fields.Add(new TicketFieldChange(
                Encoding.UTF8.GetString(field.Name), Encoding.UTF8.GetString(field.Value), field.IsAppend));
        }

        change = new TicketChange(artifact.Date, Encoding.UTF8.GetString(artifact.User), fields, null, false)
        {
            Rid = rid,
        };
        return true;
    }
}
