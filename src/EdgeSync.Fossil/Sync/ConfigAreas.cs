using EdgeSync.Fossil.Sync.Store;

namespace EdgeSync.Fossil.Sync;

/// <summary>Groups of configuration that travel together. Spec: configure.c.</summary>
[Flags]
public enum ConfigAreas
{
    None = 0,
    Css = 0x001,
    Skin = 0x002,
    Ticket = 0x004,
    Project = 0x008,
    Shun = 0x010,
    User = 0x020,
    Email = 0x040,
    Xfer = 0x080,
    Alias = 0x100,
    Subscriber = 0x200,
    Interwiki = 0x400,
    All = 0x7ff,
}

/// <summary>Which names belong to which area: the whitelist of what a repository may send or accept.</summary>
public static class ConfigAreaNames
{
    // The order in which stock requests them. /skin contains the style sheet.
    private static readonly (string Name, ConfigAreas Areas)[] Groups =
    [
        ("/email", ConfigAreas.Email),
        ("/project", ConfigAreas.Project),
        ("/skin", ConfigAreas.Skin | ConfigAreas.Css),
        ("/css", ConfigAreas.Css),
        ("/shun", ConfigAreas.Shun),
        ("/ticket", ConfigAreas.Ticket),
        ("/user", ConfigAreas.User),
        ("/xfer", ConfigAreas.Xfer),
        ("/alias", ConfigAreas.Alias),
        ("/subscriber", ConfigAreas.Subscriber),
        ("/interwiki", ConfigAreas.Interwiki),
        ("/all", ConfigAreas.All),
    ];

    private static readonly Dictionary<string, ConfigAreas> Settings = MakeSettings();

    /// <summary>Area names without the slash, for help texts.</summary>
    public static IEnumerable<string> Names
    {
        get
        {
            foreach (var (name, _) in Groups) yield return name[1..];
        }
    }

    /// <summary>The area of <c>/NAME</c>; a prefix of a name suffices, as in stock. None if none matches.</summary>
    public static ConfigAreas Parse(string name)
    {
        if (name.Length < 2 || name[0] != '/') return ConfigAreas.None;

        foreach (var (group, areas) in Groups)
            if (group.StartsWith(name, StringComparison.Ordinal))
                return areas;

        return ConfigAreas.None;
    }

    /// <summary>The names to request so that all <paramref name="areas"/> are covered.</summary>
    public static IReadOnlyList<string> RequestsFor(ConfigAreas areas)
    {
        if ((areas & ConfigAreas.All) == ConfigAreas.All) return ["/all"];

        var names = new List<string>();
        foreach (var (name, covered) in Groups)
            if (name != "/all" && (covered & areas) != 0)
                names.Add(name);
        return names;
    }

    /// <summary>The area of one row of table <c>config</c>; None: this setting is never sent.</summary>
    public static ConfigAreas AreaOfSetting(string name)
    {
        if (Settings.TryGetValue(name, out var areas)) return areas;
        if (name.StartsWith("walias:/", StringComparison.Ordinal)) return ConfigAreas.Alias;
        if (name.StartsWith("interwiki:", StringComparison.Ordinal)) return ConfigAreas.Interwiki;

        return ConfigAreas.None;
    }

    /// <summary>The area of the rows of a whole table.</summary>
    public static ConfigAreas AreaOfTable(ConfigTable table) => table switch
    {
        ConfigTable.User => ConfigAreas.User,
        ConfigTable.Shun => ConfigAreas.Shun,
        ConfigTable.ReportFormat => ConfigAreas.Ticket,
        ConfigTable.Concealed => ConfigAreas.Email,
        ConfigTable.Subscriber => ConfigAreas.Subscriber,
        _ => ConfigAreas.None,
    };

    /// <summary>The area of a row, whichever its table.</summary>
    public static ConfigAreas AreaOf(ConfigRow row) =>
        row.Table == ConfigTable.Config ? AreaOfSetting(row.Key) : AreaOfTable(row.Table);

    private static Dictionary<string, ConfigAreas> MakeSettings()
    {
        var settings = new Dictionary<string, ConfigAreas>(StringComparer.Ordinal);
        Add(ConfigAreas.Css, "css");
        Add(
            ConfigAreas.Skin,
            "header mainmenu footer details js logo-mimetype logo-image background-mimetype background-image "
                + "icon-mimetype"
            + " icon-image timeline-block-markup timeline-date-format timeline-default-style timeline-dwelltime"
            + " timeline-closetime timeline-max-comment timeline-plaintext timeline-truncate-at-blank "
                + "timeline-tslink-info"
            + " timeline-utc adunit adunit-omit-if-admin adunit-omit-if-user default-csp sitemap-extra safe-html");
        Add(
            ConfigAreas.Skin | ConfigAreas.Ticket | ConfigAreas.Xfer,
            "th1-docs th1-hooks th1-setup th1-uri-regexp tcl tcl-setup");
        Add(
            ConfigAreas.Project,
            "project-name short-project-name project-description index-page manifest binary-glob clean-glob ignore-glob"
            + " keep-glob crlf-glob crnl-glob encoding-glob empty-dirs dotfiles parent-project-code parent-project-name"
            + " hash-policy comment-format mimetypes forbid-delta-manifests mv-rm-files");
        Add(
            ConfigAreas.Ticket,
            "ticket-table ticket-common ticket-change ticket-newpage ticket-viewpage ticket-editpage ticket-reportlist"
            + " ticket-report-template ticket-key-template ticket-title-expr ticket-closed-expr");
        Add(ConfigAreas.User, "user-color-map");
        Add(ConfigAreas.Xfer, "xfer-common-script xfer-push-script xfer-commit-script xfer-ticket-script");
        return settings;

        void Add(ConfigAreas areas, string names)
        {
            foreach (var name in names.Split(' ')) settings[name] = areas;
        }
    }
}
