using System.Globalization;

namespace EdgeSync.Node.Settings;

/// <summary>
/// Everything that a daemon can be told, as <c>edgesync.json</c> spells it (snake case). Flags and environment
/// variables set the same values; what nobody sets has the default written here.
/// </summary>
internal sealed class NodeSettings
{
    public NodeSection Node { get; set; } = new();

    public NatsSection Nats { get; set; } = new();

    public HttpSection Http { get; set; } = new();

    [Live]
    public List<RepositorySettings> Repositories { get; set; } = [];

    public HubSection Hub { get; set; } = new();

    public BridgeSection Bridge { get; set; } = new();

    [Live]
    public TelemetrySection Telemetry { get; set; } = new();

    [Live]
    public LogSection Log { get; set; } = new();
}

/// <summary>Who this node is, and where it keeps what is its own.</summary>
internal sealed class NodeSection
{
    /// <summary>Stable and unique among peers; the host's name when null.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// For sockets and state; a folder of the system or of the user when null (<see cref="NodePaths"/>).
    /// </summary>
    public string? DataDir { get; set; }

    /// <summary>
    /// Unix socket for <c>sync now</c>, <c>peers</c> and the like; in <see cref="DataDir"/> when null.
    /// </summary>
    public string? ControlSocket { get; set; }

    /// <summary>File that is written once everything listens: the addresses as JSON.</summary>
    public string? UrlFile { get; set; }
}

/// <summary>The web side: Fossil clients, health, status.</summary>
internal sealed class HttpSection
{
    /// <summary>
    /// As people write it: <c>8080</c>, <c>:8080</c>, <c>*:8080</c>, <c>10.0.0.4:8080</c>; null serves nobody.
    /// </summary>
    public string? Listen { get; set; }

    /// <summary>Instead of <see cref="Listen"/>: a port, 0 picks one, at <see cref="Bind"/>.</summary>
    public int? Port { get; set; }

    /// <summary>Address for <see cref="Port"/>; <c>*</c> is every one.</summary>
    public string Bind { get; set; } = "127.0.0.1";

    /// <summary>Where to listen, however it was said; null serves nobody.</summary>
    public string? Address => Listen ?? (Port is { } port
        ? $"{(Bind.Contains(':', StringComparison.Ordinal) ? $"[{Bind}]" : Bind)}:"
            + port.ToString(CultureInfo.InvariantCulture)
        : null);

    /// <summary>
    /// A second address, where other machines are served with TLS and may join by code, while <see cref="Listen"/>
    /// stays plain; null serves none.
    /// </summary>
    public string? TlsListen { get; set; }

    public string? TlsCert { get; set; }

    public string? TlsKey { get; set; }

    public int MaxRequestMb { get; set; } = 256;

    public int MaxExchanges { get; set; } = 32;

    /// <summary>Who may read <c>/status</c> and <c>/metrics</c>.</summary>
    [Live]
    public StatusAccess StatusAccess { get; set; } = StatusAccess.Local;

    /// <summary>
    /// Names besides those of loopback under which a program of this machine may ask for <c>/status</c> and
    /// <c>/metrics</c>.
    /// </summary>
    [Live]
    public List<string> Hosts { get; set; } = [];

    /// <summary>Addresses or networks of web servers in front, whose <c>X-Forwarded-For</c> is believed.</summary>
    public List<string> TrustedProxies { get; set; } = [];

    /// <summary>The same, parsed; what is none is left out, as <see cref="SettingsCheck"/> refuses it.</summary>
    public EdgeSync.Net.Http.TrustedProxies ParseProxies()
    {
        var networks = new List<System.Net.IPNetwork>();
        foreach (var text in TrustedProxies)
            if (EdgeSync.Net.Http.TrustedProxies.TryParse(text, out var network)) networks.Add(network);
        return new EdgeSync.Net.Http.TrustedProxies(networks);
    }
}

/// <summary>What a hub adds to a leaf.</summary>
internal sealed class HubSection
{
    /// <summary>Capabilities of people without a login, written at start; null leaves the repository's own.</summary>
    [Live]
    public string? NobodyCaps { get; set; }

    /// <summary>40 lower-case hex digits that the repository must have, or gets when it is made.</summary>
    public string? ProjectCode { get; set; }

    /// <summary>http, https or NATS address that a missing repository is cloned from.</summary>
    public string? SeedFrom { get; set; }

    /// <summary>How often the write-ahead log is folded into the file, so that a plain copy is whole.</summary>
    [Live]
    public TimeSpan Checkpoint { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Ends the process this long after the last leaf left; null never does.</summary>
    [Live]
    public TimeSpan? ExitWithoutLeaves { get; set; }

    /// <summary>Users that the hub makes sure of at start.</summary>
    [Live]
    public List<HubUser> Users { get; set; } = [];
}

/// <summary>A login of the hub's repository. Capabilities of one that exists already are kept.</summary>
internal sealed class HubUser
{
    public string Login { get; set; } = "";

    public string Caps { get; set; } = "";

    public string? PasswordFile { get; set; }
}

/// <summary>Projects whose Fossil servers speak only HTTP, and that NATS peers reach through us.</summary>
internal sealed class BridgeSection
{
    public List<BridgeProject> Projects { get; set; } = [];
}

/// <summary>One project of a bridge.</summary>
internal sealed class BridgeProject
{
    /// <summary>40 lower-case hex digits.</summary>
    public string Code { get; set; } = "";

    /// <summary>The Fossil server, http or https.</summary>
    public string Url { get; set; } = "";

    public string Prefix { get; set; } = "fossil";

    /// <summary>File with <c>user:password</c> for a web server in front of it.</summary>
    public string? HttpAuthFile { get; set; }

    /// <summary>
    /// HTTP proxy on the way to it, as Fossil's setting <c>proxy</c> spells one; null: that of the environment.
    /// </summary>
    public string? Proxy { get; set; }

    /// <summary>Shortest pause between two looks for what the server got from elsewhere; zero never looks.</summary>
    public TimeSpan Probe { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The pause that looks without a find grow to.</summary>
    public TimeSpan ProbeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// File with <c>login:password</c> of somebody who may read there, for the looks; without it nobody in particular
    /// looks.
    /// </summary>
    public string? LoginFile { get; set; }

    /// <summary>
    /// The server's repository file, where it is on this machine: then a look follows at once when it grows.
    /// </summary>
    public string? FossilFile { get; set; }
}

/// <summary>Where traces, metrics and logs are sent; nothing is sent without an endpoint.</summary>
internal sealed class TelemetrySection
{
    public string? Endpoint { get; set; }

    /// <summary><c>name=value,…</c>; secrets belong into <see cref="HeadersFile"/>.</summary>
    public string? Headers { get; set; }

    public string? HeadersFile { get; set; }

    public string ServiceName { get; set; } = "edgesync-leaf";
}

/// <summary>What is logged, and how.</summary>
internal sealed class LogSection
{
    public LogFormat Format { get; set; } = LogFormat.Auto;

    public LogLevel Level { get; set; } = LogLevel.Info;
}

internal enum LogFormat
{
    /// <summary>Text on a terminal and under journald, JSON otherwise.</summary>
    Auto,
    Text,
    Json,
}

internal enum LogLevel
{
    Debug,
    Info,
    Warning,
    Error,
}
