using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Crosslink;

/// <summary>State shared by all table writers of one crosslinker.</summary>
internal sealed class LinkContext(Database database, ILinkStore store, Func<Instant> now)
{
    public Database Database { get; } = database;

    public ILinkStore Store { get; } = store;

    public Func<Instant> Now { get; } = now;

    /// <summary>Set when linking begins: settings that change the rows.</summary>
    public LinkSettings Settings { get; set; } = LinkSettings.Default;
}

/// <summary>Repository settings that show in derived rows.</summary>
/// <param name="HashDigits">Digits of a displayed hash.</param>
/// <param name="WikiUsesHtml">Wiki pages hold HTML; only links are wiki markup.</param>
/// <param name="TicketTitleColumn">Ticket column that events quote.</param>
/// <param name="TicketStatusColumn">Ticket column whose change an event names.</param>
internal sealed record LinkSettings(
    int HashDigits, bool WikiUsesHtml, string TicketTitleColumn, string TicketStatusColumn)
{
    private const int HashDigitsMax = 64;

    public static LinkSettings Default { get; } = new(10, false, "title", "status");

    // Spec: printf.c, hash_digits: 16 digits in links, or six more than displayed.
    public int UrlHashDigits => Math.Clamp(HashDigits + 6, 16, HashDigitsMax);

    public static LinkSettings Read(Database database)
    {
        var digits = Setting(database, "hash-digits") is { } text && int.TryParse(text, out var number) ? number : 10;
        var html = Setting(database, "wiki-use-html") ?? "";
        return new LinkSettings(
            Math.Clamp(digits, 6, HashDigitsMax),
            html is "1" or "on" or "yes" or "true",
            Setting(database, "ticket-title-expr") ?? "title",
            Setting(database, "ticket-status-column") ?? "status");
    }

    private static string? Setting(Database database, string name)
    {
        using var statement = database.Prepare("SELECT value FROM config WHERE name=?1");
        return statement.BindText(1, name).Step() ? statement.Text(0) : null;
    }
}
