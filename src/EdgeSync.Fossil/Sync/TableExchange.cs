using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// Rows of synced tables, both sides. The client sends the hash of each of its tables (and with a bare <c>pragma
/// xtable-hash</c> that it takes part at all); the server lists the tables that differ, schema first; each side then
/// requests rows that are newer on the other side and sends those that are newer here. Deletions are sent as rows
/// without values.
/// <list type="bullet">
/// <item>Of two rows with one time the greater text wins. Hashes do not show them: where they are equal, the server
/// sends a hash of its texts (<c>pragma xtable-content TABLE HASH</c>), and a client with another one requests all.
/// </item>
/// <item>The server marks the deletions of its list (<c>pragma xtable-deleted TABLE KEYHASH</c>), since one may have
/// the time of a row elsewhere.</item>
/// <item>A row that belongs to another login is refused (<c>pragma xtable-refused TABLE KEYHASH</c>): the client takes
/// the server's row in place of its own, whatever their times are.</item>
/// <item>Columns that two sides have added are united.</item>
/// </list>
/// A peer that does not know these pragmas ignores them.
/// </summary>
internal sealed class TableExchange(ISyncedTableStore store, FaultInjector? faults)
{
    private readonly HashSet<string> _answered = [];
    private readonly SortedDictionary<string, HashSet<string>> _requested = new(StringComparer.Ordinal);
    private readonly HashSet<string> _listed = [];
    private readonly HashSet<(string Table, string KeyHash)> _overruled = [];
    private readonly HashSet<(string Table, string KeyHash)> _deletedThere = [];
    private readonly SortedDictionary<string, HashSet<string>> _toSend = new(StringComparer.Ordinal);
    private Dictionary<string, SyncedTableSchema>? _schemas;

    private Dictionary<string, SyncedTableSchema> Schemas =>
        _schemas ??= store.List().ToDictionary(s => s.Name, StringComparer.Ordinal);

    // --- server ------------------------------------------------------------------------------------------------------

    /// <summary>Server: <c>pragma xtable-hash [TABLE HASH]</c>.</summary>
    public void Compare(in XferCard pragma, Capabilities may, XferWriter writer)
    {
        if (pragma.Count == 2)
        {
            // The client names its tables later; a table that it does not name does not exist there.
            foreach (var name in Schemas.Keys.Order(StringComparer.Ordinal))
                if (MayRead(name, may) && _answered.Add(name))
                    SendCatalog(name, writer);
            return;
        }

        if (!TableName.TryParse(pragma[2], out var table) || !Schemas.ContainsKey(table) || !MayRead(table, may)
            || !_answered.Add(table)) return;

        var rows = store.ListRows(table);
        if (XferText.Decode(pragma[3]) != SyncedRow.CatalogHash(rows)) SendCatalog(table, writer);
        else writer.Pragma("xtable-content"u8, table, ContentHash(table, rows));
    }

    /// <summary>Server: the other table cards. False: malformed, the round must be rolled back.</summary>
    public bool ReceiveOnServer(
        in XferCard card, Capabilities may, string? login, bool canWrite, XferWriter writer, out bool changed)
    {
        changed = false;
        switch (card.Kind)
        {
            case CardKind.Schema:
                if (!TryParse(card, out var schema)) return false;
                changed = canWrite && MayWrite(schema.Name, may) && TryDeclare(schema);
                if (Schemas.TryGetValue(schema.Name, out var known) && known.Version > schema.Version
                    && MayRead(schema.Name, may) && _answered.Add(schema.Name)) SendCatalog(schema.Name, writer);
                return true;

            case CardKind.XGimme:
                if (!XGimmeCard.TryParse(card, out var gimme)) return false;
                if (MayRead(gimme.Table, may) && !faults.At(FaultSite.ServerRowDrop))
                    SendRow(gimme.Table, gimme.KeyHash, writer);
                return true;

            case CardKind.XIGot:
                if (!XIGotCard.TryParse(card, out var igot)) return false;
                if (canWrite && MayWrite(igot.Table, may) && IsNewerThanOurs(igot))
                    writer.XGimme(igot.Table, igot.KeyHash);
                return true;

            default:
                if (!RowCard.TryParse(card, out var row)) return false;
                if (!canWrite || !MayWrite(row.Table, may) || faults.At(FaultSite.ServerRowDrop)) return true;
                if (!TryStore(row, login, isServer: true, out var outcome)) return false;

                changed = outcome == RowOutcome.Stored;
                if (outcome == RowOutcome.Refused && MayRead(row.Table, may))
                    writer.Pragma("xtable-refused"u8, row.Table, row.KeyHash);
                return true;
        }
    }

    // --- client ------------------------------------------------------------------------------------------------------

    /// <summary>Client, first request: sends the hashes of its tables.</summary>
    public void WriteHashes(XferWriter writer)
    {
        foreach (var name in Schemas.Keys.Order(StringComparer.Ordinal))
        {
            var schema = Schemas[name];
            writer.Schema(name, schema.Version, SchemaHash(schema), schema.MtimeSeconds, SyncedRow.WriteSchema(schema));
            writer.Pragma("xtable-hash"u8, name, SyncedRow.CatalogHash(store.ListRows(name)));
        }

        // After the named ones, so that the server compares each of those by its hash.
        writer.Pragma("xtable-hash"u8);
    }

    /// <summary>Client: table cards of a reply. False: malformed.</summary>
    public bool ReceiveOnClient(in XferCard card, out bool changed)
    {
        changed = false;
        switch (card.Kind)
        {
            case CardKind.Schema:
                if (!TryParse(card, out var schema)) return false;
                changed = TryDeclare(schema);
                StartListing(schema.Name);
                return true;

            case CardKind.XIGot:
                if (!XIGotCard.TryParse(card, out var igot)) return false;
                Weigh(igot);
                return true;

            case CardKind.XGimme:
                if (!XGimmeCard.TryParse(card, out var gimme)) return false;
                if (Schemas.ContainsKey(gimme.Table)) RowsToSend(gimme.Table).Add(gimme.KeyHash);
                return true;

            default:
                if (!RowCard.TryParse(card, out var row)) return false;
                if (faults.At(FaultSite.ClientRowDrop)) return true;

                // Only requested rows are accepted.
                if (!RowsOf(_requested, row.Table).Remove(row.KeyHash)) return true;
                if (!TryStore(row, null, isServer: false, out var outcome)) return false;

                changed = outcome == RowOutcome.Stored;
                if (outcome == RowOutcome.Lesser) RowsToSend(row.Table).Add(row.KeyHash);
                return true;
        }
    }

    /// <summary>Client: what the server says about a table in a pragma. False: it is another pragma.</summary>
    public bool TryReceivePragma(in XferCard pragma)
    {
        var isContent = pragma[1].SequenceEqual("xtable-content"u8);
        var isDeletion = pragma[1].SequenceEqual("xtable-deleted"u8);
        if (pragma.Count != 4 || (!isContent && !isDeletion && !pragma[1].SequenceEqual("xtable-refused"u8)))
            return false;
        if (!TableName.TryParse(pragma[2], out var table) || !Schemas.TryGetValue(table, out var schema)) return true;

        if (isContent)
        {
            var rows = store.ListRows(table);
            if (XferText.Decode(pragma[3]) != ContentHash(table, rows))
                RowsOf(_requested, table).UnionWith(rows.Where(r => !r.IsDeleted).Select(r => r.KeyHash));
        }
        else if (TableName.TryParseKeyHash(pragma[3], out var keyHash))
        {
            if (isDeletion) _deletedThere.Add((table, keyHash));
            else if (schema.Conflict != SyncedConflict.MtimeWins && _overruled.Add((table, keyHash)))
                RowsOf(_requested, table).Add(keyHash);
        }

        return true;
    }

    /// <summary>
    /// Client, later requests: requests rows, and sends rows while the budget lasts. Returns whether any card was
    /// written.
    /// </summary>
    public bool WriteRequests(XferWriter writer, bool mayPush, long budgetBytes)
    {
        var cards = 0;
        foreach (var (table, keys) in _requested)
            foreach (var keyHash in keys.Order(StringComparer.Ordinal))
            {
                writer.XGimme(table, keyHash);
                cards++;
            }

        if (mayPush)
            foreach (var (table, keys) in _toSend)
                foreach (var keyHash in keys.Order(StringComparer.Ordinal).ToList())
                {
                    if (writer.BytesWritten >= budgetBytes) return true;

                    SendRow(table, keyHash, writer);
                    keys.Remove(keyHash);
                    cards++;
                }

        return cards > 0;
    }

    /// <summary>Client: drops open requests when there is no progress.</summary>
    public void GiveUp() => _requested.Clear();

    /// <summary>True while a request is due.</summary>
    public bool HasWork => _requested.Values.Any(k => k.Count > 0) || _toSend.Values.Any(k => k.Count > 0);

    // --- both --------------------------------------------------------------------------------------------------------

    private static string SchemaHash(SyncedTableSchema schema) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA1.HashData(SyncedRow.WriteSchema(schema)));

    private static bool TryParse(in XferCard card, out SyncedTableSchema schema)
    {
        schema = new SyncedTableSchema("", 0, 0, SyncedConflict.MtimeWins, []);
        return SchemaCard.TryParse(card, out var parsed)
            && SyncedRow.TryParseSchema(parsed.Table, parsed.Version, parsed.MtimeSeconds, parsed.Json, out schema);
    }

    private bool TryDeclare(SyncedTableSchema schema)
    {
        if (Schemas.TryGetValue(schema.Name, out var known))
        {
            if (SyncedRow.TryUnite(known, schema) is not { } united) return false;

            schema = united;
        }

        store.Declare(schema);
        Schemas[schema.Name] = schema;
        return true;
    }

    private void SendCatalog(string table, XferWriter writer)
    {
        if (faults.At(FaultSite.ServerSchemaDrop)) return;

        var schema = Schemas[table];
        writer.Schema(table, schema.Version, SchemaHash(schema), schema.MtimeSeconds, SyncedRow.WriteSchema(schema));
        foreach (var row in store.ListRows(table))
        {
            if (row.IsDeleted) writer.Pragma("xtable-deleted"u8, table, row.KeyHash);
            writer.XIGot(table, row.KeyHash, row.MtimeSeconds);
        }
    }

    // The server lists a table completely behind its schema, so all our rows are due until it names them.
    private void StartListing(string table)
    {
        if (!Schemas.ContainsKey(table) || !_listed.Add(table)) return;

        foreach (var row in store.ListRows(table)) RowsToSend(table).Add(row.KeyHash);
    }

    private void Weigh(in XIGotCard igot)
    {
        if (!Schemas.ContainsKey(igot.Table)) return;

        var isKnown = store.TryFind(igot.Table, igot.KeyHash, out var ours);
        var isTie = isKnown && ours.MtimeSeconds == igot.MtimeSeconds
            && ours.IsDeleted != _deletedThere.Contains((igot.Table, igot.KeyHash));
        if (!isKnown || isTie || ours.MtimeSeconds < igot.MtimeSeconds)
            RowsOf(_requested, igot.Table).Add(igot.KeyHash);
        if (!isKnown || ours.MtimeSeconds <= igot.MtimeSeconds) RowsToSend(igot.Table).Remove(igot.KeyHash);
    }

    private bool IsNewerThanOurs(in XIGotCard igot) => Schemas.ContainsKey(igot.Table)
        && (!store.TryFind(igot.Table, igot.KeyHash, out var ours) || ours.MtimeSeconds < igot.MtimeSeconds);

    private void SendRow(string table, string keyHash, XferWriter writer)
    {
        if (!Schemas.ContainsKey(table) || !store.TryFind(table, keyHash, out var entry)) return;
        if (!store.TryRead(table, keyHash, out var json)) return;

        if (entry.IsDeleted) writer.XDelete(table, keyHash, entry.MtimeSeconds, json);
        else writer.XRow(table, keyHash, entry.MtimeSeconds, json);
    }

    private enum RowOutcome
    {
        /// <summary>Ours is the same or newer, or the table is unknown.</summary>
        Kept,
        Stored,

        /// <summary>Ours has the same time, and the greater text.</summary>
        Lesser,

        /// <summary>It belongs to another login.</summary>
        Refused,
    }

    private bool TryStore(in RowCard row, string? login, bool isServer, out RowOutcome outcome)
    {
        outcome = RowOutcome.Kept;
        if (!Schemas.TryGetValue(row.Table, out var schema)) return true;
        if (!SyncedRow.TryCheck(schema, row.Json, out var keyHash) || keyHash != row.KeyHash) return false;

        var isKnown = store.TryFind(row.Table, keyHash, out var ours);
        var isOverruled = !isServer && _overruled.Contains((row.Table, keyHash));
        if (isKnown && !isOverruled && ours.MtimeSeconds > row.MtimeSeconds) return true;
        if (isKnown && !isOverruled && ours.MtimeSeconds == row.MtimeSeconds)
        {
            // Differs from the original, which takes the incoming row on a tie, so that two sides swap their rows for
            // ever.
            if (!store.TryRead(row.Table, keyHash, out var json)) return true;

            var order = json.AsSpan().SequenceCompareTo(row.Json);
            if (order > 0) outcome = RowOutcome.Lesser;
            if (order >= 0) return true;
        }

        var owner = isKnown ? ours.Owner : null;
        if (isServer && schema.Conflict != SyncedConflict.MtimeWins && isKnown
            && (owner is null ? schema.Conflict == SyncedConflict.OwnerWrite : owner != login))
        {
            outcome = RowOutcome.Refused;
            return true;
        }

        if (isServer && schema.Conflict != SyncedConflict.MtimeWins) owner ??= login;
        var entry = new SyncedRowEntry(keyHash, row.MtimeSeconds, row.IsDeletion, owner);
        store.Put(row.Table, entry, row.Json);
        outcome = RowOutcome.Stored;
        return true;
    }

    private string ContentHash(string table, IReadOnlyList<SyncedRowEntry> rows) => SyncedRow.ContentHash(
        rows, keyHash => store.TryRead(table, keyHash, out var json) ? json : []);

    private bool MayRead(string table, Capabilities may) =>
        may.MayRead && store.AccessOf(table).Read.All(may.Has);

    private bool MayWrite(string table, Capabilities may) =>
        may.MayWrite && store.AccessOf(table).Write.All(may.Has);

    private HashSet<string> RowsToSend(string table) => RowsOf(_toSend, table);

    private static HashSet<string> RowsOf(SortedDictionary<string, HashSet<string>> tables, string table)
    {
        if (!tables.TryGetValue(table, out var keys))
            tables[table] = keys = new HashSet<string>(StringComparer.Ordinal);
        return keys;
    }
}
