using System.Buffers.Text;
using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// The body of a config card: <c>MTIME 'KEY' column VALUE column VALUE ...</c>, the values being SQL literals: a quoted
/// text, a blob <c>x'..'</c>, digits, or NULL. Spec: configure.c configure_receive.
/// </summary>
internal static class ConfigCodec
{
    private const int PairsMax = 12;

    // By ConfigTable.
    private static readonly string[][] Columns =
    [
        ["value"],
        ["pw", "cap", "info", "photo", "jx"],
        ["scom"],
        ["owner", "cols", "sqlcode", "jx"],
        ["content"],
        ["suname", "sdigest", "sdonotcall", "ssub", "sctime", "smip"],
    ];

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The first word of a config card: <c>/config</c> and so on.</summary>
    public static ReadOnlySpan<byte> CardNameOf(ConfigTable table) => table switch
    {
        ConfigTable.Config => "/config"u8,
        ConfigTable.User => "/user"u8,
        ConfigTable.Shun => "/shun"u8,
        ConfigTable.ReportFormat => "/reportfmt"u8,
        ConfigTable.Concealed => "/concealed"u8,
        _ => "/subscriber"u8,
    };

    /// <summary>Columns that may be sent, besides key and mtime.</summary>
    public static IReadOnlyList<string> ColumnsOf(ConfigTable table) => Columns[(int)table];

    public static bool TryParseTable(ReadOnlySpan<byte> cardName, out ConfigTable table)
    {
        for (table = ConfigTable.Config; table <= ConfigTable.Subscriber; table++)
            if (cardName.SequenceEqual(CardNameOf(table)))
                return true;

        return false;
    }

    public static byte[] Write(ConfigRow row)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{row.MtimeSeconds} ");
        AppendText(text, row.Key);
        foreach (var (column, value) in row.Columns)
        {
            // A shun comment is sent even if null; elsewhere null columns are omitted.
            if (value.IsNull && row.Table != ConfigTable.Shun) continue;

            text.Append(' ').Append(column).Append(' ');
            AppendValue(text, value);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>False for a body that is malformed or incomplete; unknown columns are left out.</summary>
    public static bool TryParse(ConfigTable table, ReadOnlySpan<byte> body, out ConfigRow row)
    {
        row = new ConfigRow(table, "", 0, []);
        if (!TryTakeWord(ref body, out var word) || !XferNumber.TryParse(word, out var mtime)) return false;
        if (!TryTakeValue(ref body, out var key) || key.Value is not string keyText) return false;

        var columns = new List<(string, ConfigValue)>();
        while (TryTakeWord(ref body, out word) && columns.Count < PairsMax)
        {
            var name = Encoding.UTF8.GetString(word);
            if (!TryTakeValue(ref body, out var value)) return false;
            if (ColumnsOf(table).Contains(name)) columns.Add((name, value));
        }

        row = new ConfigRow(table, keyText, mtime, columns);
        return true;
    }

    private static void AppendValue(StringBuilder text, ConfigValue value)
    {
        switch (value.Value)
        {
            case null:
                text.Append("NULL");
                break;
            case long number:
                text.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case byte[] bytes:
                text.Append("X'").Append(Convert.ToHexString(bytes)).Append('\'');
                break;
            default:
                AppendText(text, value.ToString());
                break;
        }
    }

    private static void AppendText(StringBuilder text, string value) =>
        text.Append('\'').Append(value.Replace("'", "''", StringComparison.Ordinal)).Append('\'');

    private static bool TryTakeWord(ref ReadOnlySpan<byte> body, out ReadOnlySpan<byte> word)
    {
        SkipSpace(ref body);
        var size = 0;
        while (size < body.Length && !IsSpace(body[size])) size++;
        word = body[..size];
        body = body[size..];
        return size > 0;
    }

    private static bool TryTakeValue(ref ReadOnlySpan<byte> body, out ConfigValue value)
    {
        value = default;
        SkipSpace(ref body);
        if (body.IsEmpty) return false;

        var isBlob = body.Length > 1 && body[0] is (byte)'x' or (byte)'X' && body[1] == (byte)'\'';
        if (isBlob) body = body[1..];
        if (body[0] == (byte)'\'')
        {
            if (!TryTakeQuoted(ref body, out var text)) return false;
            return isBlob ? TryDecodeHex(text, out value) : TryDecodeText(text, out value);
        }

        if (!TryTakeWord(ref body, out var word)) return false;
        if (Ascii.EqualsIgnoreCase(word, "NULL"u8)) return true;
        if (!Utf8Parser.TryParse(word, out long number, out var used) || used != word.Length) return false;

        value = new ConfigValue(number);
        return true;
    }

    private static bool TryTakeQuoted(ref ReadOnlySpan<byte> body, out byte[] text)
    {
        text = new byte[body.Length];
        var size = 0;
        for (var at = 1; at < body.Length; at++)
        {
            if (body[at] == (byte)'\'')
            {
                at++;
                if (at == body.Length || body[at] != (byte)'\'')
                {
                    // The literal must end at the token's end: "'a'b" is not a token.
                    if (at < body.Length && !IsSpace(body[at])) return false;

                    text = text[..size];
                    body = body[at..];
                    return true;
                }
            }

            text[size++] = body[at];
        }

        return false;
    }

    private static bool TryDecodeText(byte[] bytes, out ConfigValue value)
    {
        value = default;
        if (!System.Text.Unicode.Utf8.IsValid(bytes)) return false;

        value = new ConfigValue(Strict.GetString(bytes));
        return true;
    }

    private static bool TryDecodeHex(byte[] hex, out ConfigValue value)
    {
        value = default;
        if (hex.Length % 2 != 0) return false;
        foreach (var b in hex)
            if (!Uri.IsHexDigit((char)b))
                return false;

        value = new ConfigValue(Convert.FromHexString(Encoding.ASCII.GetString(hex)));
        return true;
    }

    private static void SkipSpace(ref ReadOnlySpan<byte> body)
    {
        while (!body.IsEmpty && IsSpace(body[0])) body = body[1..];
    }

    private static bool IsSpace(byte b) => b is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');
}
