using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// Rows of synced tables, both sides. The client sends the hash of each of its tables (and with a bare <c>pragma
/// xtable-hash</c> that it takes part at all); the server lists the tables that differ, schema first; each side then
/// requests rows that are newer on the other side and sends those that are newer here. Deletions are sent as rows
/// without values.
/// </summary>
internal sealed class TableExchange(ISyncedTableStore store, FaultInjector? faults)
{
    private readonly HashSet<string> _answered = [];
    private readonly SortedDictionary<string, HashSet<string>> _requested = new(StringComparer.Ordinal);
    private readonly HashSet<string> _listed = [];
    private readonly SortedDictionary<string, HashSet<string>> _toSend = new(StringComparer.Ordinal);
    private Dictionary<string, SyncedTableSchema>? _schemas;

    private Dictionary<string, SyncedTableSchema> Schemas =>
        _schemas ??= store.List().ToDictionary(s => s.Name, StringComparer.Ordinal);

    // --- server ------------------------------------------------------------------------------------------------------

    /// <summary>Server: <c>pragma xtable-hash [TABLE HASH]</c>.</summary>
    public void Compare(in XferCard pragma, XferWriter writer)
    {
        if (pragma.Count == 2)
        {
            // The client names its tables later; a table that it does not name does not exist there.
            foreach (var name in Schemas.Keys.Order(StringComparer.Ordinal))
                if (_answered.Add(name))
                    SendCatalog(name, writer);
            return;
        }

        if (!TableName.TryParse(pragma[2], out var table) || !Schemas.ContainsKey(table) || !_answered.Add(table))
            return;
        if (XferText.Decode(pragma[3]) != SyncedRow.CatalogHash(store.ListRows(table))) SendCatalog(table, writer);
    }

    /// <summary>Server: the other table cards. False: malformed, the round must be rolled back.</summary>
    public bool ReceiveOnServer(
        in XferCard card, Capabilities may, string? login, bool canWrite, XferWriter writer, out bool changed)
    {
        changed = false;
        var mayWrite = canWrite && may.MayWrite;
        switch (card.Kind)
        {
            case CardKind.Schema:
                if (!TryParse(card, out var schema)) return false;
                changed = mayWrite && TryDeclare(schema);
                return true;

            case CardKind.XGimme:
                if (!XGimmeCard.TryParse(card, out var gimme)) return false;
                if (may.MayRead && !faults.At(FaultSite.ServerRowDrop)) SendRow(gimme.Table, gimme.KeyHash, writer);
                return true;

            case CardKind.XIGot:
                if (!XIGotCard.TryParse(card, out var igot)) return false;
                if (mayWrite && IsNewerThanOurs(igot)) writer.XGimme(igot.Table, igot.KeyHash);
                return true;

            default:
                if (!RowCard.TryParse(card, out var row)) return false;
                if (!mayWrite || faults.At(FaultSite.ServerRowDrop)) return true;
                return TryStore(row, login, isServer: true, out changed);
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
                return !RowsOf(_requested, row.Table).Remove(row.KeyHash)
                    || TryStore(row, null, isServer: false, out changed);
        }
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
            // A newer version may add columns; keys and types stay.
            var isExtension = schema.Version > known.Version
                && known.Columns.All(c => schema.Columns.Contains(c))
                && schema.Columns.Except(known.Columns).All(c => !c.IsKey);
            if (!isExtension) return false;
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
        foreach (var row in store.ListRows(table)) writer.XIGot(table, row.KeyHash, row.MtimeSeconds);
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
        if (!isKnown || ours.MtimeSeconds < igot.MtimeSeconds) RowsOf(_requested, igot.Table).Add(igot.KeyHash);
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

    private bool TryStore(in RowCard row, string? login, bool isServer, out bool changed)
    {
        changed = false;
        if (!Schemas.TryGetValue(row.Table, out var schema)) return true;
        if (!SyncedRow.TryCheck(schema, row.Json, out var keyHash) || keyHash != row.KeyHash) return false;

        var isKnown = store.TryFind(row.Table, keyHash, out var ours);
        if (isKnown && ours.MtimeSeconds > row.MtimeSeconds) return true;
        if (isKnown && ours.MtimeSeconds == row.MtimeSeconds)
        {
            // Differs from the original, which takes the incoming row on a tie, so that two sides swap their rows for
            // ever.
            if (!store.TryRead(row.Table, keyHash, out var json) || json.AsSpan().SequenceCompareTo(row.Json) >= 0)
                return true;
        }

        var owner = isKnown ? ours.Owner : null;
        if (isServer && schema.Conflict != SyncedConflict.MtimeWins && isKnown)
        {
            if (owner is not null && owner != login) return true;
            if (owner is null && schema.Conflict == SyncedConflict.OwnerWrite) return true;
        }

        if (isServer && schema.Conflict != SyncedConflict.MtimeWins) owner ??= login;
        var entry = new SyncedRowEntry(keyHash, row.MtimeSeconds, row.IsDeletion, owner);
        store.Put(row.Table, entry, row.Json);
        changed = true;
        return true;
    }

    private HashSet<string> RowsToSend(string table) => RowsOf(_toSend, table);

    private static HashSet<string> RowsOf(SortedDictionary<string, HashSet<string>> tables, string table)
    {
        if (!tables.TryGetValue(table, out var keys))
            tables[table] = keys = new HashSet<string>(StringComparer.Ordinal);
        return keys;
    }
}
