using System.Buffers.Text;
using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Sync.Store;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// Configuration as a file: the cards of a sync, <c>config NAME SIZE</c> with the body on the next lines, behind
/// comments that begin with <c>#</c>. Spec: export_config and configure_receive_all in configure.c.
/// </summary>
public static class ConfigText
{
    // The order of stock's file.
    private static readonly ConfigTable[] Tables =
        [ConfigTable.Shun, ConfigTable.User, ConfigTable.ReportFormat, ConfigTable.Concealed, ConfigTable.Subscriber];

    /// <summary>The rows of some areas.</summary>
    /// <param name="store">Where they are.</param>
    /// <param name="areas">Which.</param>
    /// <param name="sinceSeconds">Only rows of this Unix time or later.</param>
    public static byte[] Write(IConfigStore store, ConfigAreas areas, long sinceSeconds)
    {
        using var text = new MemoryStream();
        foreach (var table in Tables)
        {
            if ((ConfigAreaNames.AreaOfTable(table) & areas) != 0)
                Append(text, store.List(table, sinceSeconds, static _ => true));
        }

        Append(text, store.List(
            ConfigTable.Config, sinceSeconds, name => (ConfigAreaNames.AreaOfSetting(name) & areas) != 0));
        return text.ToArray();
    }

    /// <summary>
    /// Imports the rows of a file; returns how many have changed something. Other lines are skipped.
    /// </summary>
    /// <param name="store">Where they go.</param>
    /// <param name="text">The file.</param>
    /// <param name="overwrite">They replace what is there; otherwise the newer row stays.</param>
    public static int Read(IConfigStore store, ReadOnlySpan<byte> text, bool overwrite)
    {
        var cleared = new HashSet<ConfigTable>();
        var changed = 0;
        while (!text.IsEmpty)
        {
            var line = text[..(text.IndexOf((byte)'\n') is var end and >= 0 ? end : text.Length)];
            text = text[Math.Min(line.Length + 1, text.Length)..];
            if (!TryReadHead(line, out var table, out var size) || size > text.Length) continue;

            var body = text[..size];
            text = text[Math.Min(size + 1, text.Length)..];
            if (!ConfigCodec.TryParse(table, body, out var row)) continue;
            if (ConfigAreaNames.AreaOf(row) == ConfigAreas.None) continue;
            if (overwrite && table != ConfigTable.Config && cleared.Add(table)) store.Clear(table);
            if (store.Merge(row, overwrite)) changed++;
        }

        return changed;
    }

    private static bool TryReadHead(ReadOnlySpan<byte> line, out ConfigTable table, out int size)
    {
        (table, size) = (default, 0);
        if (!line.StartsWith("config "u8)) return false;

        line = line["config "u8.Length..].TrimEnd((byte)'\r');
        var blank = line.IndexOf((byte)' ');
        return blank > 0 && ConfigCodec.TryParseTable(line[..blank], out table)
            && Utf8Parser.TryParse(line[(blank + 1)..], out size, out var used) && used == line.Length - blank - 1
            && size >= 0;
    }

    private static void Append(MemoryStream text, IReadOnlyList<ConfigRow> rows)
    {
        foreach (var row in rows)
        {
            var body = ConfigCodec.Write(row);
            text.Write("config "u8);
            text.Write(ConfigCodec.CardNameOf(row.Table));
            text.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $" {body.Length}\n")));
            text.Write(body);
            text.Write("\n"u8);
        }
    }
}
