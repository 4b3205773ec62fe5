using EdgeSync.Primitives;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// The names of a repository's settings in Fossil 2.21, and their valid values. The table itself would accept an
/// unknown name, or an invalid value that acts as the default, without an error.
/// </summary>
internal static class KnownSettings
{
    private const string Hint = "--force sets it anyway";

    /// <summary>Changing these by hand breaks the relation to other clones, or the file.</summary>
    private static readonly string[] Fixed = ["project-code", "server-code", "content-schema", "aux-schema"];

    private static readonly string[] Switches =
    [
        "access-log", "admin-log", "allow-symlinks", "auto-captcha", "auto-hyperlink-mouseover", "auto-shun",
            "backoffice-disable", "backoffice-nodelay",
        "case-sensitive", "chat-inline-images", "clearsign", "diff-binary", "dont-commit", "dont-push", "dotfiles",
            "exec-rel-paths",
        "forbid-delta-manifests", "https-login", "localauth", "mtime-changes", "mv-rm-files", "relative-paths",
            "repo-cksum", "self-pw-reset",
        "self-register", "tcl", "th1-docs", "th1-hooks", "uv-sync",
    ];

    private static readonly string[] Numbers =
    [
        "auto-hyperlink-delay", "autosync-tries", "chat-initial-history", "chat-keep-count", "chat-keep-days",
        "chat-poll-timeout", "hash-digits", "http-port", "large-file-size", "lock-timeout", "max-cache-entry",
        "max-download", "max-download-time", "max-upload", "redirect-to-https",
    ];

    private static readonly string[] Texts =
    [
        "auto-hyperlink", "backoffice-logfile", "binary-glob", "chat-alert-sound", "chat-timeline-user", "clean-glob",
            "comment-format", "crlf-glob", "crnl-glob",
        "default-csp", "default-perms", "diff-command", "editor", "email-admin", "email-listid", "email-renew-interval",
            "email-self", "email-send-command",
        "email-send-db", "email-send-dir", "email-send-method", "email-send-relayhost", "email-subname", "email-url",
            "empty-dirs", "encoding-glob",
        "fileedit-glob", "gdiff-command", "gmerge-command", "hooks", "ignore-glob", "keep-glob", "main-branch",
            "mainmenu", "max-loadavg", "merge-strategy", "mimetypes",
        "pgp-command", "preferred-diff-type", "proxy", "repolist-skin", "sitemap-extra", "ssh-command",
            "ssl-ca-location", "ssl-identity", "tcl-setup",
        "tclsh", "th1-setup", "th1-uri-regexp", "ticket-default-report", "user-color-map", "web-browser",
        "adunit", "adunit-disable", "background-image", "background-mimetype", "captcha-secret", "css", "details",
            "footer", "header", "icon-image",
        "icon-mimetype", "index-page", "js", "last-sync-pw", "last-sync-url", "login-group-code", "login-group-name",
            "logo-image", "logo-mimetype",
        "anon-cookie-lifespan", "cookie-expire", "default-skin", "http_authentication_ok", "obscure", "remote_user_ok",
        "show-version-diffs", "parent-project-code", "parent-project-name", "project-description", "project-name",
        "public-pages", "seen-delta-manifest",
            "short-project-name",
        // The wiki page that is not versioned.
        "sandbox", "sandbox-mimetype",
    ];

    private static readonly string[] Prefixes =
    [
        "baseurl:", "ckout:", "draft", "email-", "forum-", "peer-", "search-", "skin:", "sync-pw:", "sync-url:",
            "ticket-", "timeline-", "wiki-", "xfer-", "robot-", "edgesync-",
    ];

    private static readonly Dictionary<string, string[]> Words = new(StringComparer.Ordinal)
    {
        ["autosync"] = ["on", "off", "pullonly", "all", "1", "0", "yes", "no", "true", "false"],
        ["hash-policy"] = ["auto", "sha1", "sha3", "sha3-only", "shun-sha1"],
        ["manifest"] = ["on", "off", "r", "u", "t", "ru", "rt", "ut", "rut", "1", "0", "yes", "no", "true", "false"],
        ["safe-html"] = ["b", "f", "w", "bf", "bw", "fw", "bfw"],
    };

    /// <summary>
    /// Settings that name programs, scripts, or files of this machine, or that open it to those who have no password:
    /// they are not changed over the network.
    /// </summary>
    private static readonly string[] OfMachine =
    [
        "allow-symlinks", "backoffice-logfile", "default-csp", "diff-command", "editor", "email-send-command",
        "email-send-db", "email-send-dir", "email-send-relayhost", "gdiff-command", "gmerge-command", "hooks",
        "localauth", "pgp-command", "proxy", "ssh-command", "ssl-ca-location", "ssl-identity", "tcl", "tcl-setup",
        "tclsh", "th1-docs", "th1-hooks", "th1-setup", "th1-uri-regexp", "web-browser",
    ];

    /// <summary>True for a setting that only the command line changes.</summary>
    public static bool IsOfMachine(string name) => OfMachine.Contains(name);

    /// <summary>True for a setting that is on or off.</summary>
    public static bool IsSwitch(string name) => Switches.Contains(name);

    /// <summary>True for a setting that is a whole number.</summary>
    public static bool IsNumber(string name) => Numbers.Contains(name);

    /// <summary>The words that a setting may have; null: any text.</summary>
    // Stock's other spellings of on and off are taken, and not offered. A list of words by command is a text.
    public static IReadOnlyList<string>? WordsOf(string name) => name == "autosync" ? null
        : Words.TryGetValue(name, out var words)
            ? [.. words.Where(w => w is not ("1" or "0" or "yes" or "no" or "true" or "false"))] : null;

    /// <exception cref="EdgeSyncException">The name is unknown, or fixed; or the value is not valid for the
    /// setting.</exception>
    public static void Require(string name, string value, bool isForced)
    {
        if (Fixed.Contains(name))
            throw new EdgeSyncException(
                ErrorKind.Denied, $"{name} identifies the repository and cannot be changed", "edgesync repo info");
        // The tables are created again at once: a script that creates none cannot be forced either.
        if (name == "ticket-table" && value.Length > 0
            && !value.Contains("CREATE TABLE ticket", StringComparison.OrdinalIgnoreCase))
            throw Refuse(name, "…", "SQL with CREATE TABLE ticket(…)");
        if (isForced) return;

        RequireName(name);
        if (Words.TryGetValue(name, out var words) && !words.Contains(value))
            throw Refuse(name, value, string.Join(", ", words.Where(w => !char.IsDigit(w[0])).Take(4)));
        if (Switches.Contains(name)
            && value.ToLowerInvariant() is not ("on" or "off" or "yes" or "no" or "true" or "false" or "1" or "0"))
            throw Refuse(name, value, "on or off");
        if (Numbers.Contains(name) && !long.TryParse(value, out _)) throw Refuse(name, value, "a whole number");
    }

    private static void RequireName(string name)
    {
        if (Switches.Contains(name) || Numbers.Contains(name) || Texts.Contains(name)
            || Words.ContainsKey(name)) return;
        if (Prefixes.Any(p => name.StartsWith(p, StringComparison.Ordinal) && name.Length > p.Length)) return;

        var near = Suggestions.Nearest(name, [.. Switches, .. Numbers, .. Texts, .. Words.Keys]);
        throw new EdgeSyncException(ErrorKind.Usage, $"unknown setting '{name}'{Suggestions.Question(near)}", Hint);
    }

    private static EdgeSyncException Refuse(string name, string value, string expected) =>
        new(ErrorKind.Usage, $"{name}: '{value}' is not {expected}", Hint);
}
