using System.Security.Cryptography;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Crosslink;

namespace EdgeSync.Storage.Authoring;

/// <summary>A ticket in a list.</summary>
public sealed record TicketEntry(string TicketId, Instant ChangedAt, string? Type, string? Status, string? Title);

/// <summary>Tickets: each is the sum of its changes, and only changes are written. Spec: tkt.c.</summary>
public sealed class Tickets(Repository repository)
{
    private readonly ArtifactAuthor _author = new(repository);

    /// <summary>Newest change first.</summary>
    public IReadOnlyList<TicketEntry> List()
    {
        var database = repository.Database;
        string Column(string name) => database.HasColumn("ticket", name) ? name : "NULL";
        using var select = database.Prepare(
            $"SELECT tkt_uuid, tkt_mtime, {Column("type")}, {Column("status")}, {Column("title")} FROM ticket ORDER BY "
                + $"tkt_mtime DESC");
        var tickets = new List<TicketEntry>();
        while (select.Step())
        {
            tickets.Add(new TicketEntry(
                select.Text(0)
                ?? "", Instant.FromJulianDay(select.Double(1)), select.Text(2), select.Text(3), select.Text(4)));
        }

        return tickets;
    }

    /// <summary>The fields that a ticket can have, sorted.</summary>
    public IReadOnlyList<string> Fields() =>
        [.. TicketColumns.Read(repository.Database).Ordered.Select(column => column.Name)];

    /// <summary>The whole id of the ticket with this prefix; null if there is none.</summary>
    /// <exception cref="EdgeSyncException">Several ids begin so.</exception>
    public string? Find(string prefix)
    {
        if (prefix.Length < 4 || !prefix.All(char.IsAsciiHexDigitLower)) return null;

        using var select = repository.Database.Prepare("SELECT tkt_uuid FROM ticket WHERE tkt_uuid GLOB ?1||'*'");
        if (!select.BindText(1, prefix).Step()) return null;

        var id = select.Text(0);
        return select.Step()
            ? throw new EdgeSyncException(ErrorKind.Ambiguous, $"several tickets begin with {prefix}")
            : id;
    }

    /// <summary>The present fields of a ticket, by column name; null if there is no such ticket.</summary>
    public IReadOnlyDictionary<string, string?>? Read(string ticketId)
    {
        using var select = repository.Database.Prepare("SELECT * FROM ticket WHERE tkt_uuid=?1");
        if (!select.BindText(1, ticketId).Step()) return null;

        var fields = new Dictionary<string, string?>(StringComparer.Ordinal);
        for (var i = 0; i < select.ColumnCount; i++) fields[select.ColumnName(i)] = select.Text(i);
        return fields;
    }

    /// <summary>Creates a ticket; also returns its id.</summary>
    /// <param name="user">The user of the change.</param>
    /// <param name="fields">Names and values; a name with <c>+</c> in front appends. Columns of the ticket table
    /// only.</param>
    /// <param name="date">By default now.</param>
    public (AuthoredArtifact Change, string TicketId) Add(
        string user, IReadOnlyList<KeyValuePair<string, string>> fields, Instant? date = null)
    {
        var ticketId = repository.Entropy.NextHex(40);
        return (Write(user, ticketId, fields, date), ticketId);
    }

    /// <summary>Changes a ticket.</summary>
    /// <exception cref="EdgeSyncException">No such ticket or field.</exception>
    public AuthoredArtifact Change(
        string user, string ticketId, IReadOnlyList<KeyValuePair<string, string>> fields, Instant? date = null) =>
        Find(ticketId) is { } whole
            ? Write(user, whole, fields, date)
            : throw new EdgeSyncException(ErrorKind.NotFound, $"there is no ticket {ticketId}");

    private AuthoredArtifact Write(
        string user, string ticketId, IReadOnlyList<KeyValuePair<string, string>> fields, Instant? date)
    {
        if (fields.Count == 0)
            throw new EdgeSyncException(ErrorKind.Usage, "a ticket change needs a field", "NAME=VALUE");

        using var transaction = repository.Begin();
        _author.SignIn(user);
        var columns = TicketColumns.Read(repository.Database);
        var cards = new List<FieldDraft>();
        foreach (var (name, value) in fields)
        {
            var column = name.TrimStart('+');
            if (name.Length - column.Length > 1 || columns.Find(column) is null)
            {
                throw new EdgeSyncException(
                    ErrorKind.Usage, $"tickets have no field '{column}'",
                    "one of: " + string.Join(", ", columns.Ordered.Select(known => known.Name)));
            }

            ArtifactReading.RequireText(Encoding.UTF8.GetBytes(value));
            cards.Add(
                new FieldDraft(name, column.StartsWith("private_", StringComparison.Ordinal) ? Conceal(value) : value));
        }

        var draft = ArtifactDraft.Ticket(
            ArtifactReading.After(date, LastChangeOf(ticketId), _author.DateOr(null)), user, ticketId, cards);
        var made = _author.Store(draft, ArtifactKind.Ticket, isPrivate: false, isUnsent: true);
        transaction.Commit();
        return made;
    }

    private Instant? LastChangeOf(string ticketId)
    {
        using var select = repository.Database.Prepare("SELECT tkt_mtime FROM ticket WHERE tkt_uuid=?1");
        return select.BindText(1, ticketId).Step() ? Instant.FromJulianDay(select.Double(0)) : null;
    }

    // Spec: db_conceal in db.c: mail addresses are written as their hash; only this repository maps it back.
    private string Conceal(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        if (ArtifactId.TryParse(bytes, out _)) return value;

        var hash = Convert.ToHexStringLower(SHA1.HashData(bytes));
        using var insert = repository.Database.Prepare(
            "INSERT OR IGNORE INTO concealed(hash,content,mtime) VALUES(?1,?2,?3)");
        insert.BindText(1, hash).BindText(2, value).Bind(3, repository.Now.UnixSeconds).Run();
        return hash;
    }
}
