namespace EdgeSync.Storage;

/// <summary>The settings of Fossil 2.21 by name, and which of them a file of a check-in may override.</summary>
// Spec: the SETTING comments of stock's sources; setting_cmd in db.c.
public static class StockSettings
{
    private static readonly string[] Versionable =
    [
        "binary-glob", "clean-glob", "crlf-glob", "crnl-glob", "dotfiles", "empty-dirs", "encoding-glob",
        "ignore-glob", "keep-glob", "manifest", "mimetypes",
    ];

    /// <summary>All of them, sorted by their bytes.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "access-log", "admin-log", "allow-symlinks", "auto-captcha", "auto-hyperlink", "auto-hyperlink-delay",
        "auto-hyperlink-mouseover", "auto-shun", "autosync", "autosync-tries", "backoffice-disable",
        "backoffice-logfile", "backoffice-nodelay", "binary-glob", "case-sensitive", "chat-alert-sound",
        "chat-initial-history", "chat-inline-images", "chat-keep-count", "chat-keep-days", "chat-poll-timeout",
        "chat-timeline-user", "clean-glob", "clearsign", "comment-format", "crlf-glob", "crnl-glob", "default-csp",
        "default-perms", "diff-binary", "diff-command", "dont-commit", "dont-push", "dotfiles", "editor",
        "email-admin", "email-listid", "email-renew-interval", "email-self", "email-send-command", "email-send-db",
        "email-send-dir", "email-send-method", "email-send-relayhost", "email-subname", "email-url", "empty-dirs",
        "encoding-glob", "exec-rel-paths", "fileedit-glob", "forbid-delta-manifests", "gdiff-command",
        "gmerge-command", "hash-digits", "hooks", "http-port", "https-login", "ignore-glob", "keep-glob",
        "large-file-size", "localauth", "lock-timeout", "main-branch", "mainmenu", "manifest", "max-cache-entry",
        "max-loadavg", "max-upload", "mimetypes", "mtime-changes", "mv-rm-files", "pgp-command",
        "preferred-diff-type", "proxy", "redirect-to-https", "relative-paths", "repo-cksum", "repolist-skin",
        "safe-html", "self-pw-reset", "self-register", "sitemap-extra", "ssh-command", "ssl-ca-location",
        "ssl-identity", "tcl", "tcl-setup", "tclsh", "th1-docs", "th1-hooks", "th1-setup", "th1-uri-regexp",
        "ticket-default-report", "user-color-map", "uv-sync", "web-browser",
    ];

    /// <summary>A file of that name in <c>.fossil-settings</c> overrides it.</summary>
    public static bool IsVersionable(string name) => Versionable.Contains(name);

    /// <summary>Those that begin so, in order.</summary>
    /// <param name="name">A name, or its beginning.</param>
    /// <param name="isExact">Only the setting of that very name.</param>
    public static IReadOnlyList<string> Fitting(string name, bool isExact) =>
        [.. Names.Where(n => isExact ? n == name : n.StartsWith(name, StringComparison.Ordinal))];
}
