using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Crosslink;

/// <summary>
/// The ticket and ticketchng tables. A ticket is all its changes in the order of their dates, so whenever one arrives
/// the rows of that ticket are made again.
/// </summary>
/// <remarks>Spec: tkt.c, ticket_rebuild_entry and ticket_insert; manifest.c, manifest_ticket_event.</remarks>
internal sealed class TicketTable(
    LinkContext context, EventTable events, TagTable tags, BacklinkTable backlinks, AttachmentLinker attachments)
{
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private TicketColumns? _columns;

    /// <summary>
    /// A field's text as a change left it, kept until all changes are applied: only the newest one is searched.
    /// </summary>
    private sealed record LastText(byte[] Value, LinkMarkup Markup, RecordId Record, double JulianDay);

    public void ForgetColumns() => _columns = null;

    public void Link(RecordId record, Artifact change)
    {
        var ticket = EventText.FromBytes(change.TicketId);
        tags.Insert([.. "tkt-"u8, .. change.TicketId], TagAction.Single, null, record, change.JulianDay, record);
        _changed.Add(ticket);
        attachments.Rename(ticket, isTicket: true);
    }

    /// <summary>Every ticket's rows are due, since the tables are new. Spec: tkt.c, ticket_rebuild.</summary>
    public void ChangeAll()
    {
        using var query = context.Database.Prepare(
            "SELECT substr(tagname,5) FROM tag WHERE tagname GLOB 'tkt-*' AND length(tagname)>=24");
        while (query.Step())
            if (query.Text(0) is { } ticket && ticket.All(char.IsAsciiHexDigit)) _changed.Add(ticket);
    }

    /// <summary>Makes the rows of every ticket that got a change.</summary>
    public void Finish()
    {
        foreach (var ticket in _changed.Order(StringComparer.Ordinal)) Rebuild(ticket);
        _changed.Clear();
    }

    private void Rebuild(string ticket)
    {
        var columns = _columns ??= TicketColumns.Read(context.Database);
        if (!columns.HasTicket) return;

        var tag = tags.IdOf(Encoding.ASCII.GetBytes("tkt-" + ticket));
        DeleteRows(ticket, tag, columns);
        var last = new Dictionary<string, List<LastText>>(StringComparer.Ordinal);
        long row = 0;
        var isFirst = true;
        foreach (var record in ChangesOf(tag))
        {
            if (TryReadChange(record, out var change))
            {
                row = Apply(change, record, ticket, row, columns, last);
                WriteEvent(change, record, ticket, tag, isFirst);
            }

            isFirst = false;
        }

        foreach (var column in columns.Ordered)
        {
            if (!last.TryGetValue(column.Name, out var texts)) continue;
            foreach (var text in texts)
                backlinks.Add(text.Value, text.Markup, BacklinkSource.Ticket, text.Record.Value, text.JulianDay);
        }
    }

    private void DeleteRows(string ticket, long tag, TicketColumns columns)
    {
        long row;
        using (var find = context.Database.Prepare("SELECT tkt_id FROM ticket WHERE tkt_uuid=?1"))
        {
            row = find.BindText(1, ticket).Step() ? find.Int64(0) : 0;
        }

        if (columns.HasChanges)
        {
            using var changes = context.Database.Prepare("DELETE FROM ticketchng WHERE tkt_id=?1");
            changes.Bind(1, row).Run();
        }

        using (var delete = context.Database.Prepare("DELETE FROM ticket WHERE tkt_id=?1")) delete.Bind(1, row).Run();
        using var links = context.Database.Prepare(
            "DELETE FROM backlink WHERE srctype=1 AND srcid IN (SELECT rid FROM tagxref WHERE tagid=?1)");
        links.Bind(1, tag).Run();
    }

    private List<RecordId> ChangesOf(long tag)
    {
        var records = new List<RecordId>();
        using var query = context.Database.Prepare("SELECT rid FROM tagxref WHERE tagid=?1 ORDER BY mtime");
        query.Bind(1, tag);
        while (query.Step()) records.Add(query.Record(0));
        return records;
    }

    private bool TryReadChange(RecordId record, out Artifact change)
    {
        change = null!;
        return context.Store.TryRead(record, out var text)
            && ArtifactParser.TryParse(text, out change, new ArtifactParserOptions(context.Now()))
            && change.Kind == ArtifactKind.Ticket;
    }

    private long Apply(
        Artifact change, RecordId record, string ticket, long row, TicketColumns columns,
        Dictionary<string, List<LastText>> last)
    {
        if (row == 0)
        {
            using var insert = context.Database.Prepare("INSERT INTO ticket(tkt_uuid,tkt_mtime) VALUES(?1,0)");
            insert.BindText(1, ticket).Run();
            row = context.Database.LastInsertRowId;
        }

        var used = new HashSet<string>(StringComparer.Ordinal);
        var (ticketMarkup, changeMarkup) = (LinkMarkup.Wiki, LinkMarkup.Wiki);
        var set = new SqlBuilder();
        var names = new StringBuilder();
        var values = new SqlBuilder();
        foreach (var field in change.Fields)
        {
            if (columns.Find(EventText.FromBytes(field.Name)) is not { } column) continue;
            used.Add(column.Name);
            if (column.IsInTicket) AddAssignment(set, column, field, record);
            if (column.IsInChanges)
            {
                names.Append(',').Append(column.Quoted);
                values.Add(",").AddValue(field.Value.ToArray());
            }

            if (column.Name == "mimetype") ticketMarkup = changeMarkup = BacklinkTable.MarkupOf(field.Value);
        }

        var computed = UpdateTicket(change, row, columns, set);
        if (columns.ComputesTicketMimetype)
        {
            ticketMarkup = computed;
            if (!columns.ComputesChangeMimetype) changeMarkup = ticketMarkup;
        }

        if (names.Length > 0 || columns.HasChangeRecord || columns.HasChangeUser)
        {
            computed = InsertChange(change, record, row, columns, used, names, values);
            if (columns.ComputesChangeMimetype)
            {
                changeMarkup = computed;
                if (!columns.ComputesTicketMimetype) ticketMarkup = changeMarkup;
                else if (changeMarkup == LinkMarkup.Wiki) changeMarkup = ticketMarkup;
                else if (ticketMarkup == LinkMarkup.Wiki) ticketMarkup = changeMarkup;
            }
        }

        FindLinks(change, record, columns, ticketMarkup, changeMarkup, last);
        return row;
    }

    private static void AddAssignment(SqlBuilder set, TicketColumn column, FieldCard field, RecordId record)
    {
        if (field.IsAppend)
        {
            set.Add($", {column.Quoted}=coalesce({column.Quoted},'') || ").AddValue(field.Value.ToArray());
            return;
        }

        set.Add($", {column.Quoted}=").AddValue(field.Value.ToArray());
        if (column.HasBaseline) set.Add($", {column.QuotedBaseline}={record.Value}");
    }

    // The SQL consists of quoted identifiers from the schema itself; every value is a parameter.
    private LinkMarkup UpdateTicket(Artifact change, long row, TicketColumns columns, SqlBuilder set)
    {
        var sql = new StringBuilder("UPDATE OR REPLACE ticket SET tkt_mtime=?1");
        if (columns.HasCreationTime) sql.Append(", tkt_ctime=coalesce(tkt_ctime,?1)");
        sql.Append(set.Text(firstParameter: 3)).Append(" WHERE tkt_id=?2");
        if (columns.ComputesTicketMimetype) sql.Append(" RETURNING mimetype");
        using var update = context.Database.PrepareOnce(sql.ToString());
        update.Bind(1, change.JulianDay).Bind(2, row);
        set.Bind(update, firstParameter: 3);
        return Markup(update, columns.ComputesTicketMimetype);
    }

    private LinkMarkup InsertChange(
        Artifact change, RecordId record, long row, TicketColumns columns, HashSet<string> used, StringBuilder names,
        SqlBuilder values)
    {
        if (columns.HasChangeRecord)
        {
            names.Append(",tkt_rid");
            values.Add($",{record.Value}");
        }

        if (columns.HasChangeUser && change.HasCard('U'))
        {
            names.Append(",tkt_user");
            values.Add(",").AddValue(change.User.ToArray());
        }

        var fromTicket = false;
        foreach (var column in columns.Ordered)
        {
            if (used.Contains(column.Name) || !column.IsInTicket || !column.IsInChanges) continue;
            fromTicket = true;
            names.Append(',').Append(column.Quoted);
            values.Add($",{column.Quoted}");
        }

        var sql = new StringBuilder($"INSERT INTO ticketchng(tkt_id,tkt_mtime{names})");
        sql.Append(fromTicket ? " SELECT ?2,?1" : " VALUES(?2,?1").Append(values.Text(firstParameter: 3));
        sql.Append(fromTicket ? " FROM ticket WHERE tkt_id=?2" : ")");
        if (columns.ComputesChangeMimetype) sql.Append(" RETURNING mimetype");
        using var insert = context.Database.PrepareOnce(sql.ToString());
        insert.Bind(1, change.JulianDay).Bind(2, row);
        values.Bind(insert, firstParameter: 3);
        return Markup(insert, columns.ComputesChangeMimetype);
    }

    private static LinkMarkup Markup(Statement statement, bool returnsMimetype)
    {
        var hasRow = statement.Step();
        if (!returnsMimetype || !hasRow) return LinkMarkup.Wiki;
        var markup = BacklinkTable.MarkupOf(statement.Bytes(0), isPresent: !statement.IsNull(0));
        statement.Step();
        return markup;
    }

    private void FindLinks(
        Artifact change, RecordId record, TicketColumns columns, LinkMarkup ticketMarkup, LinkMarkup changeMarkup,
        Dictionary<string, List<LastText>> last)
    {
        foreach (var field in change.Fields)
        {
            if (columns.Find(EventText.FromBytes(field.Name)) is not { } column) continue;
            if (column.IsInChanges)
            {
                backlinks.Add(field.Value, changeMarkup, BacklinkSource.Ticket, record.Value, change.JulianDay);
                continue;
            }

            if (!last.TryGetValue(column.Name, out var texts)) last.Add(column.Name, texts = []);
            if (!field.IsAppend) texts.Clear();
            texts.Add(new LastText(field.Value.ToArray(), ticketMarkup, record, change.JulianDay));
        }
    }

    private void WriteEvent(Artifact change, RecordId record, string ticket, long tag, bool isFirst)
    {
        var settings = context.Settings;
        var title = TicketText(ticket, settings.TicketTitleColumn);
        var comment = new EventText(settings);
        var brief = new EventText(settings);
        var others = change.Fields.Count;
        if (isFirst)
        {
            comment.Add("New ticket ").AddLink(ticket).Add(" <i>").AddHtml(title).Add("</i>.");
            brief.Add("New ticket ").AddLink(ticket).Add(".");
        }
        else if (TryFindStatus(change, settings.TicketStatusColumn, out var status))
        {
            comment.AddHtml(status).Add(" ticket ").AddLink(ticket).Add(": <i>").AddHtml(title).Add("</i>");
            if (--others > 0) comment.Add(" plus ").Add(others).Add(others == 1 ? " other change" : " other changes");
            brief.AddHtml(status).Add(" ticket ").AddLink(ticket).Add(".");
        }
        else
        {
            var still = TicketText(ticket, settings.TicketStatusColumn);
            comment.Add("Ticket ").AddLink(ticket).Add(" <i>").AddHtml(title).Add("</i> status still ").AddHtml(still);
            comment.Add(" with ").Add(others).Add(others == 1 ? " other change" : " other changes");
            brief.Add("Ticket ").AddLink(ticket).Add(": ").Add(others).Add(others == 1 ? " change" : " changes");
        }

        var user = change.HasCard('U') ? change.User.ToArray() : null;
        events.WriteTicket(change.JulianDay, record, tag, user, comment.ToString(), brief.ToString());
    }

    private static bool TryFindStatus(Artifact change, string column, out byte[] status)
    {
        status = [];
        var found = false;
        foreach (var field in change.Fields)
        {
            if (EventText.FromBytes(field.FullName) != column) continue;
            status = field.Value.ToArray();
            found = true;
        }

        return found;
    }

    // The column comes from a setting; as a quoted identifier it can name a column or (unknown) be plain text, no more.
    private byte[] TicketText(string ticket, string column)
    {
        using var query = context.Database.PrepareOnce(
            $"SELECT {TicketColumn.Quote(column)} FROM ticket WHERE tkt_uuid=?1");
        return query.BindText(1, ticket).Step() ? query.Bytes(0).ToArray() : "unknown"u8.ToArray();
    }

    /// <summary>A piece of SQL with values, whose parameters are numbered when it is inserted.</summary>
    private sealed class SqlBuilder
    {
        private readonly List<string> _pieces = [];
        private readonly List<byte[]> _values = [];

        public SqlBuilder Add(string piece)
        {
            _pieces.Add(piece);
            return this;
        }

        public SqlBuilder AddValue(byte[] value)
        {
            _pieces.Add("?");
            _values.Add(value);
            return this;
        }

        public string Text(int firstParameter)
        {
            var text = new StringBuilder();
            var parameter = firstParameter;
            foreach (var piece in _pieces)
            {
                text.Append(piece);
                if (piece == "?") text.Append(parameter++);
            }

            return text.ToString();
        }

        public void Bind(Statement statement, int firstParameter)
        {
            for (var i = 0; i < _values.Count; i++) statement.BindText(firstParameter + i, _values[i]);
        }
    }
}
