using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>The access to a fleet.</summary>
internal enum Guard
{
    /// <summary>Without a login.</summary>
    Open,

    /// <summary>With the password.</summary>
    Password,

    /// <summary>The same, over TLS.</summary>
    Tls,
}

/// <summary>The secrets of one fleet, and the settings of its programs for them.</summary>
internal sealed class FleetGuard
{
    public const string User = "ship";

    private const string Password = "well-kept";

    private readonly string _settings;
    private string? _userInfo;

    public FleetGuard(TemporaryFolder folder, Guard guard)
    {
        Guard = guard;
        var secret = folder["ship.secret"];
        _settings = folder["guarded.json"];
        if (guard == Guard.Open) return;

        File.WriteAllText(secret, Password);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var certificates = guard == Guard.Tls ? new TestCertificates(folder.Folder("tls")) : null;
        ForServer = certificates is null
            ? ""
            : $"tls {{ cert_file: \"{certificates.ServerFile}\", key_file: \"{certificates.ServerKeyFile}\" }}";
        var tls = certificates is null
            ? ""
            : $$""", "serve_tls": { "cert_file": "{{certificates.ServerFile}}", "key_file": "{{certificates.ServerKeyFile}}" }, "tls": { "ca_file": "{{certificates.CaFile}}" }""";
        File.WriteAllText(
            _settings,
            $$"""
            { "nats": { "users": [ { "user": "{{User}}", "password_file": "{{secret}}" } ],
                        "login": { "user": "{{User}}", "password_file": "{{secret}}" }{{tls}} } }
            """);
    }

    public Guard Guard { get; }

    /// <summary>What of a nats-server's configuration is about TLS.</summary>
    public string ForServer { get; } = "";

    /// <summary>What of a nats-server's configuration is about users.</summary>
    public string UsersOfServer =>
        Guard == Guard.Open ? "" : $"authorization {{ user: \"{User}\", password: \"{Password}\" }}";

    /// <summary>For each of our programs on NATS: as server and as client it reads the same file.</summary>
    public string[] Arguments => Guard == Guard.Open ? [] : ["--config", _settings];

    /// <summary>A certificate is for a name.</summary>
    public string Host => Guard == Guard.Tls ? "localhost" : "127.0.0.1";

    /// <summary>The login of a Fossil server's address, with its at sign. TLS is a matter of NATS here.</summary>
    public string UserInfo => _userInfo ?? "";

    /// <summary>On the server of a fleet over HTTP: without a login it sends nothing.</summary>
    public void Close(EdgeSyncProgram program, string repository)
    {
        if (Guard == Guard.Open) return;

        var added = program.Run(
            "repo", "user", "add", User, "--cap", FleetEnvironment.Everything, "-R", repository, "--json");
        var report = System.Text.Json.JsonDocument.Parse(added.Output).RootElement;
        _userInfo = $"{User}:{report.GetProperty("password").GetString()}@";
        program.Run("repo", "user", "update", "nobody", "--cap", "", "-R", repository);
    }
}
