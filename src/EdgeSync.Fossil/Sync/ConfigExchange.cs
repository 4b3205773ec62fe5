using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// Configuration out and in, by the whitelist of <see cref="ConfigAreaNames"/>. Both sides use it. Spec: configure.c.
/// </summary>
internal sealed class ConfigExchange(IConfigStore store)
{
    private ConfigAreas _cleared;
    private ConfigAreas _answered;

    /// <summary>
    /// Replies to reqconfig with what the capabilities allow; an unknown area gets nothing. Each area is sent once per
    /// reply: otherwise a few request bytes could draw a large reply.
    /// </summary>
    public void Send(string name, Capabilities may, XferWriter writer)
    {
        var areas = ConfigAreaNames.Parse(name);
        if (!may.IsAdmin) areas &= ~(ConfigAreas.User | ConfigAreas.Subscriber);
        if (!may.MayReadAddresses) areas &= ~ConfigAreas.Email;
        SendAreas(areas & ~_answered, writer);
        _answered |= areas;
    }

    /// <summary>Writes the rows of some areas; returns the number of cards.</summary>
    public int SendAreas(ConfigAreas areas, XferWriter writer)
    {
        var cards = 0;
        for (var table = ConfigTable.User; table <= ConfigTable.Subscriber; table++)
            if ((ConfigAreaNames.AreaOfTable(table) & areas) != 0)
                cards += SendRows(store.List(table, 0, static _ => true), writer);

        return cards + SendRows(
            store.List(ConfigTable.Config, 0, n => (ConfigAreaNames.AreaOfSetting(n) & areas) != 0), writer);
    }

    /// <summary>
    /// Merges one card if its row belongs to <paramref name="areas"/>; the newer row wins. With <paramref
    /// name="overwrite"/> the table is emptied before its first row and times do not matter. Returns whether anything
    /// changed.
    /// </summary>
    public bool Receive(in ConfigCard card, ConfigAreas areas, bool overwrite = false)
    {
        // Spec: malformed and foreign rows are ignored silently.
        if (!ConfigCodec.TryParseTable(card.Name, out var table)) return false;
        if (!ConfigCodec.TryParse(table, card.Body, out var row)) return false;

        var area = ConfigAreaNames.AreaOf(row);
        if ((area & areas) == 0) return false;
        if (overwrite && table != ConfigTable.Config && (_cleared & area) == 0)
        {
            _cleared |= area;
            store.Clear(table);
        }

        return store.Merge(row, overwrite);
    }

    private static int SendRows(IReadOnlyList<ConfigRow> rows, XferWriter writer)
    {
        foreach (var row in rows) writer.Config(ConfigCodec.CardNameOf(row.Table), ConfigCodec.Write(row));
        return rows.Count;
    }
}
