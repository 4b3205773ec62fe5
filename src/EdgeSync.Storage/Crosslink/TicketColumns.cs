using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Crosslink;

/// <summary>Which columns the ticket tables have; projects choose their own (setting <c>ticket-table</c>).</summary>
/// <remarks>Spec: tkt.c, getAllTicketFields. Columns that begin with <c>tkt_</c> are Fossil's own.</remarks>
internal sealed class TicketColumns
{
    private readonly Dictionary<string, TicketColumn> _columns = new(StringComparer.Ordinal);

    public bool HasTicket { get; private set; }

    public bool HasCreationTime { get; private set; }

    public bool HasChanges { get; private set; }

    public bool HasChangeRecord { get; private set; }

    public bool HasChangeUser { get; private set; }

    /// <summary>A column <c>mimetype</c> that SQLite computes, in the table of tickets.</summary>
    public bool ComputesTicketMimetype { get; private set; }

    /// <summary>The same in the table of changes.</summary>
    public bool ComputesChangeMimetype { get; private set; }

    /// <summary>By name, in byte order.</summary>
    public IEnumerable<TicketColumn> Ordered => _columns.Values.OrderBy(column => column.Name, StringComparer.Ordinal);

    public TicketColumn? Find(string name) => _columns.GetValueOrDefault(name);

    public static TicketColumns Read(Database database)
    {
        var columns = new TicketColumns();
        var baselines = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, type) in ColumnsOf(database, "PRAGMA table_info(ticket)"))
        {
            columns.HasTicket = true;
            if (name.StartsWith("tkt_", StringComparison.Ordinal)) columns.HasCreationTime |= name == "tkt_ctime";
            else if (name.StartsWith(TicketColumn.BaselinePrefix, StringComparison.Ordinal))
            {
                if (type == "INTEGER") baselines.Add(name);
            }
            else if (!name.Contains(' ', StringComparison.Ordinal))
            {
                columns._columns[name] = new TicketColumn(name) { IsInTicket = true };
            }
        }

        foreach (var (name, _) in ColumnsOf(database, "PRAGMA table_info(ticketchng)"))
        {
            columns.HasChanges = true;
            if (name.StartsWith("tkt_", StringComparison.Ordinal))
            {
                columns.HasChangeRecord |= name == "tkt_rid";
                columns.HasChangeUser |= name == "tkt_user";
            }
            else if (!name.Contains(' ', StringComparison.Ordinal))
            {
                columns._columns.TryAdd(name, new TicketColumn(name));
                columns._columns[name].IsInChanges = true;
            }
        }

        foreach (var column in columns._columns.Values)
            column.HasBaseline = column.IsInTicket && baselines.Contains(TicketColumn.BaselinePrefix + column.Name);

        if (!columns._columns.ContainsKey("mimetype"))
        {
            columns.ComputesTicketMimetype =
                ColumnsOf(database, "PRAGMA table_xinfo(ticket)").Any(column => column.Name == "mimetype");
            columns.ComputesChangeMimetype =
                ColumnsOf(database, "PRAGMA table_xinfo(ticketchng)").Any(column => column.Name == "mimetype");
        }

        return columns;
    }

    private static List<(string Name, string Type)> ColumnsOf(Database database, string pragma)
    {
        var found = new List<(string, string)>();
        using var query = database.PrepareOnce(pragma);
        while (query.Step()) found.Add((query.Text(1) ?? "", query.Text(2) ?? ""));
        return found;
    }
}

/// <summary>One field of tickets.</summary>
internal sealed class TicketColumn(string name)
{
    public const string BaselinePrefix = "baseline for ";

    public string Name { get; } = name;

    /// <summary>As an SQL identifier.</summary>
    public string Quoted => Quote(Name);

    public bool IsInTicket { get; init; }

    public bool IsInChanges { get; set; }

    /// <summary>A column holds the record of the change that last set this field.</summary>
    public bool HasBaseline { get; set; }

    public string QuotedBaseline => Quote(BaselinePrefix + Name);

    public static string Quote(string identifier) =>
        $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
