using System.Globalization;

namespace EdgeSync.Node.Settings;

/// <summary>
/// All settings of a daemon, as in <c>edgesync.json</c> (snake case). Flags and environment variables set the same
/// values; unset ones have the defaults written here.
/// </summary>
public sealed class NodeSettings
{
    /// <summary>Its name, and its folders.</summary>
    public NodeSection Node { get; set; } = new();

    /// <summary>The embedded broker, and the servers that it joins.</summary>
    public NatsSection Nats { get; set; } = new();

    /// <summary>The iroh endpoint.</summary>
    public IrohSection Iroh { get; set; } = new();

    /// <summary>The HTTP ports.</summary>
    public HttpSection Http { get; set; } = new();

    /// <summary>The asset store.</summary>
    public AssetsSection Assets { get; set; } = new();

    /// <summary>The repositories to keep in sync.</summary>
    [Live]
    public List<RepositorySettings> Repositories { get; set; } = [];

    /// <summary>Of a hub; ignored by a leaf.</summary>
    public HubSection Hub { get; set; } = new();

    /// <summary>Of a bridge.</summary>
    public BridgeSection Bridge { get; set; } = new();

    /// <summary>The receiver of traces, metrics and logs.</summary>
    [Live]
    public TelemetrySection Telemetry { get; set; } = new();

    /// <summary>The lowest level, and the format.</summary>
    [Live]
    public LogSection Log { get; set; } = new();

    /// <summary>There is a broker, or a connection to one; an iroh endpoint joins brokers too.</summary>
    internal bool HasNats => Nats.IsUseful || (Nats.Enabled && Iroh.Enabled);
}

/// <summary>The name of this node, and its folders.</summary>
public sealed class NodeSection
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

/// <summary>The HTTP ports: Fossil clients, health, status.</summary>
public sealed class HttpSection
{
    /// <summary>
    /// In text: <c>8080</c>, <c>:8080</c>, <c>*:8080</c>, <c>10.0.0.4:8080</c>; null opens no port.
    /// </summary>
    public string? Listen { get; set; }

    /// <summary>Instead of <see cref="Listen"/>: a port, 0 picks one, at <see cref="Bind"/>.</summary>
    public int? Port { get; set; }

    /// <summary>Address for <see cref="Port"/>; <c>*</c> is every one.</summary>
    public string Bind { get; set; } = "127.0.0.1";

    /// <summary>The listening address, from either setting; null opens no port.</summary>
    public string? Address => Listen ?? (Port is { } port
        ? $"{(Bind.Contains(':', StringComparison.Ordinal) ? $"[{Bind}]" : Bind)}:"
            + port.ToString(CultureInfo.InvariantCulture)
        : null);

    /// <summary>
    /// A second address, with TLS, where machines may join by code, while <see cref="Listen"/> stays plain; null opens
    /// none.
    /// </summary>
    public string? TlsListen { get; set; }

    /// <summary>PEM file with the certificate, and perhaps its key.</summary>
    public string? TlsCert { get; set; }

    /// <summary>PEM file with the key, readable by its owner only; in <see cref="TlsCert"/> when null.</summary>
    public string? TlsKey { get; set; }

    /// <summary>Largest request, in MiB.</summary>
    public int MaxRequestMb { get; set; } = 256;

    /// <summary>Sync requests that are handled at the same time; more wait.</summary>
    public int MaxExchanges { get; set; } = 32;

    /// <summary>Access to <c>/status</c> and <c>/metrics</c>.</summary>
    [Live]
    public StatusAccess StatusAccess { get; set; } = StatusAccess.Local;

    /// <summary>
    /// Host names besides those of loopback under which a program of this machine may request <c>/status</c> and
    /// <c>/metrics</c>.
    /// </summary>
    [Live]
    public List<string> Hosts { get; set; } = [];

    /// <summary>Addresses or networks of web servers in front, whose <c>X-Forwarded-For</c> is trusted.</summary>
    public List<string> TrustedProxies { get; set; } = [];

    /// <summary>The same, parsed; invalid ones are omitted, as <see cref="SettingsCheck"/> rejects them.</summary>
    internal EdgeSync.Net.Http.TrustedProxies ParseProxies()
    {
        var networks = new List<System.Net.IPNetwork>();
        foreach (var text in TrustedProxies)
            if (EdgeSync.Net.Http.TrustedProxies.TryParse(text, out var network)) networks.Add(network);
        return new EdgeSync.Net.Http.TrustedProxies(networks);
    }
}

/// <summary>Settings that a hub has beyond a leaf.</summary>
public sealed class HubSection
{
    /// <summary>Capabilities of user <c>nobody</c>, written at start; null leaves the repository's own.</summary>
    [Live]
    public string? NobodyCaps { get; set; }

    /// <summary>40 lower-case hex digits that the repository must have, or gets when it is created.</summary>
    public string? ProjectCode { get; set; }

    /// <summary>http, https or NATS address that a missing repository is cloned from.</summary>
    public string? SeedFrom { get; set; }

    /// <summary>How often the write-ahead log is checkpointed, so that a plain copy of the file is complete.</summary>
    [Live]
    public TimeSpan Checkpoint { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Ends the process this long after the last leaf left; null never does.</summary>
    [Live]
    public TimeSpan? ExitWithoutLeaves { get; set; }

    /// <summary>Users that the hub creates at start.</summary>
    [Live]
    public List<HubUser> Users { get; set; } = [];
}

/// <summary>A login of the hub's repository. Capabilities of one that exists already are kept.</summary>
public sealed class HubUser
{
    /// <summary>Name of the user.</summary>
    public string Login { get; set; } = "";

    /// <summary>Its capabilities, one letter each, such as <c>gio</c>.</summary>
    public string Caps { get; set; } = "";

    /// <summary>File whose first line is the password; a random one, shown once, when null.</summary>
    public string? PasswordFile { get; set; }
}

/// <summary>Projects whose Fossil servers support HTTP only, for NATS peers.</summary>
public sealed class BridgeSection
{
    /// <summary>One for each Fossil server.</summary>
    public List<BridgeProject> Projects { get; set; } = [];
}

/// <summary>One project of a bridge.</summary>
public sealed class BridgeProject
{
    /// <summary>40 lower-case hex digits.</summary>
    public string Code { get; set; } = "";

    /// <summary>The Fossil server, http or https.</summary>
    public string Url { get; set; } = "";

    /// <summary>First word of its subjects.</summary>
    public string Prefix { get; set; } = "fossil";

    /// <summary>File with <c>user:password</c> for a web server in front of it.</summary>
    public string? HttpAuthFile { get; set; }

    /// <summary>
    /// HTTP proxy for it, as in Fossil's setting <c>proxy</c>; null: that of the environment.
    /// </summary>
    public string? Proxy { get; set; }

    /// <summary>Shortest interval between checks of the server for new artifacts; zero: none.</summary>
    public TimeSpan Probe { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The interval to which checks without a change back off.</summary>
    public TimeSpan ProbeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// File with <c>login:password</c> of a user with read rights there, for the checks; without it they use no login.
    /// </summary>
    public string? LoginFile { get; set; }

    /// <summary>
    /// The server's repository file, if it is on this machine: a change of it triggers a check at once.
    /// </summary>
    public string? FossilFile { get; set; }
}

/// <summary>The receiver of traces, metrics and logs; nothing is sent without an endpoint.</summary>
public sealed class TelemetrySection
{
    /// <summary>OTLP, http or https; null sends nothing.</summary>
    public string? Endpoint { get; set; }

    /// <summary><c>name=value,…</c>; secrets belong into <see cref="HeadersFile"/>.</summary>
    public string? Headers { get; set; }

    /// <summary>File with such a line, readable by its owner only.</summary>
    public string? HeadersFile { get; set; }

    /// <summary>The name of this node in telemetry.</summary>
    public string ServiceName { get; set; } = "edgesync-leaf";
}

/// <summary>What is logged, and how.</summary>
public sealed class LogSection
{
    /// <summary>The form of a line.</summary>
    public LogFormat Format { get; set; } = LogFormat.Auto;

    /// <summary>The lowest level that is written.</summary>
    public LogLevel Level { get; set; } = LogLevel.Info;
}

/// <summary>The form of a log line.</summary>
public enum LogFormat
{
    /// <summary>Text on a terminal and under journald, JSON otherwise.</summary>
    Auto,

    /// <summary>A sentence, then fields.</summary>
    Text,

    /// <summary>One JSON object a line.</summary>
    Json,
}

/// <summary>The weight of a log event.</summary>
public enum LogLevel
{
    /// <summary>Each step.</summary>
    Debug,

    /// <summary>What a node did.</summary>
    Info,

    /// <summary>Works, but needs attention.</summary>
    Warning,

    /// <summary>Something failed.</summary>
    Error,
}
