namespace EdgeSync.Node.Settings;

/// <summary>
/// The flags of the daemons: each names its place in <c>edgesync.json</c> and its environment variable.
/// </summary>
internal static class NodeFlags
{
    /// <summary>Names, folders, logs: the same for every daemon.</summary>
    public static IReadOnlyList<SettingFlag> Common { get; } =
    [
        new(
            "node.name", SettingKind.Text, "--name", "EDGESYNC_NAME",
            "Stable, unique name among peers (default: the host's name and four digits).", "NAME"),
        new(
            "node.data_dir", SettingKind.Text, "--data-dir", "EDGESYNC_DATA_DIR",
            "Folder for state (default: see 'edgesync config paths').", "FOLDER"),
        new(
            "node.control_socket", SettingKind.Text, "--control-socket", "EDGESYNC_CONTROL_SOCKET",
            "Unix socket for 'sync now', 'peers' and 'hub status'.", "PATH"),
        new(
            "node.url_file", SettingKind.Text, "--url-file", "EDGESYNC_URL_FILE",
            "Write the addresses to this file, as JSON, once all ports listen.", "FILE"),
        new(
            "log.format", SettingKind.Text, "--log-format", "EDGESYNC_LOG_FORMAT", "Log format: auto, text or json.",
            "FORMAT"),
        new(
            "log.level", SettingKind.Text, "--log-level", "EDGESYNC_LOG_LEVEL",
            "Least important level to log: debug, info, warning or error.", "LEVEL"),
        new(
            "telemetry.endpoint", SettingKind.Text, "--otel-endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT",
            "Send traces and metrics to this OTLP/HTTP collector (default: send nothing).", "URL"),
        new(
            "telemetry.headers", SettingKind.Text, "--otel-headers", "OTEL_EXPORTER_OTLP_HEADERS",
            "Headers for the collector: name=value,….", "HEADERS"),
        new(
            "telemetry.headers_file", SettingKind.Text, "--otel-headers-file", "EDGESYNC_OTEL_HEADERS_FILE",
            "File with the headers.", "FILE"),
        new(
            "telemetry.service_name", SettingKind.Text, "--otel-service-name", "OTEL_SERVICE_NAME",
            "Service name in telemetry (default edgesync-leaf, edgesync-hub or edgesync-bridge).", "NAME"),
    ];

    /// <summary>How a daemon joins NATS, and what its broker opens.</summary>
    public static IReadOnlyList<SettingFlag> NatsOf(string prefix) =>
    [
        new(
            "nats.leaf_port", SettingKind.Number, "--nats-leaf-port", prefix + "NATS_LEAF_PORT",
            "Port of the embedded broker for other leaves; 0 picks one (default: none).", "PORT", isCommon: true),
        new(
            "nats.bind", SettingKind.Text, "--nats-bind", prefix + "NATS_BIND",
            "Address of the broker's ports; * is every interface.", "ADDR"),
        new(
            "nats.remotes", SettingKind.Remotes, "--nats-remote", prefix + "NATS_REMOTES",
            "Another hub to join at the same time, as a leafnode; commas separate addresses of one hub. May be "
                + "repeated.", "URL,…"),
        new(
            "nats.client_port", SettingKind.Number, "--nats-client-port", prefix + "NATS_CLIENT_PORT",
            "Port of the broker for NATS clients; 0 picks one (default: none).", "PORT"),
        new(
            "nats.websocket_port", SettingKind.Number, "--nats-websocket-port", prefix + "NATS_WEBSOCKET_PORT",
            "Port of the broker for WebSocket clients; 0 picks one (default: none).", "PORT", ["--websocket-port"]),
        new(
            "nats.websocket_origins", SettingKind.List, "--nats-websocket-origin", prefix + "NATS_WEBSOCKET_ORIGINS",
            "Web page that may use the WebSocket port, by its origin. May be repeated.", "ORIGIN"),
        new(
            "nats.monitor_port", SettingKind.Number, "--nats-monitor-port", prefix + "NATS_MONITOR_PORT",
            "Port for /varz, /connz, /subsz and /leafz; 0 picks one (default: none).", "PORT"),
        new(
            "nats.max_payload", SettingKind.Number, "--nats-max-payload", prefix + "NATS_MAX_PAYLOAD",
            "Largest message that the broker accepts.", "BYTES"),
        new(
            "nats.pending_max", SettingKind.Number, "--nats-pending-max", prefix + "NATS_PENDING_MAX",
            "Bytes that may wait in the broker for slow receivers (default: an eighth of the memory, at most 192 MiB).",
            "BYTES"),
        new(
            "nats.store_dir", SettingKind.Text, "--nats-store-dir", prefix + "NATS_STORE_DIR",
            "Folder for the streams of a supervised nats-server.", "FOLDER", ["--store-dir"]),
        new(
            "nats.server", SettingKind.Text, "--nats-server", prefix + "NATS_SERVER",
            "Run this nats-server (auto: the one in PATH) in place of the embedded broker.", "PATH"),
        new(
            "nats.durable", SettingKind.OffSwitch, "--no-jetstream", prefix + "NO_JETSTREAM",
            "Do not keep announcements in the JetStream of an outside server."),
        new(
            "nats.jetstream_domain", SettingKind.Text, "--nats-jetstream-domain", prefix + "NATS_JETSTREAM_DOMAIN",
            "JetStream domain of that server, behind a leafnode link.", "NAME"),
        new(
            "nats.login.user", SettingKind.Text, "--nats-user", prefix + "NATS_USER",
            "Login on the server that is joined.", "LOGIN"),
        new(
            "nats.login.password_file", SettingKind.Text, "--nats-password-file", prefix + "NATS_PASSWORD_FILE",
            "File whose first line is its password.", "FILE"),
        new(
            "nats.login.token_file", SettingKind.Text, "--nats-token-file", prefix + "NATS_TOKEN_FILE",
            "File whose first line is a token.", "FILE"),
        new(
            "nats.login.nkey_file", SettingKind.Text, "--nats-nkey", prefix + "NATS_NKEY", "File with an NKey seed.",
            "FILE"),
        new(
            "nats.login.creds_file", SettingKind.Text, "--nats-creds", prefix + "NATS_CREDS",
            "File with a JWT and its seed.", "FILE"),
        new(
            "nats.tls.ca_file", SettingKind.Text, "--nats-ca", prefix + "NATS_CA",
            "Certificates (PEM) to trust besides the system's.", "FILE"),
        new(
            "nats.tls.cert_file", SettingKind.Text, "--nats-cert", prefix + "NATS_CERT",
            "Certificate (PEM) to show to the server.", "FILE"),
        new(
            "nats.tls.key_file", SettingKind.Text, "--nats-key", prefix + "NATS_KEY",
            "Private key (PEM) of that certificate.", "FILE"),
        new(
            "nats.token_file", SettingKind.Text, "--nats-serve-token-file", prefix + "NATS_SERVE_TOKEN_FILE",
            "File whose first line is the token that opens the broker's own ports.", "FILE"),
        new(
            "nats.serve_tls.cert_file", SettingKind.Text, "--nats-serve-cert", prefix + "NATS_SERVE_CERT",
            "Certificate (PEM) of the broker's own ports, which then accept TLS only.", "FILE"),
        new(
            "nats.serve_tls.key_file", SettingKind.Text, "--nats-serve-key", prefix + "NATS_SERVE_KEY",
            "Private key (PEM) of that certificate.", "FILE"),
    ];

    /// <summary>The iroh endpoint.</summary>
    public static IReadOnlyList<SettingFlag> IrohOf(string prefix) =>
    [
        new(
            "iroh.enabled", SettingKind.Switch, "--iroh", prefix + "IROH",
            "Reach peers by their keys, through routers and without a server in between.", isCommon: true),
        new(
            "iroh.peers", SettingKind.List, "--iroh-peer", prefix + "IROH_PEERS",
            "Ticket or id of a peer to sync with, which is trusted. May be repeated.", "TICKET|ID", isCommon: true),
        new(
            "iroh.key_file", SettingKind.Text, "--iroh-key", prefix + "IROH_KEY",
            "File with the secret key, created when absent (default: REPO.iroh-key).", "FILE"),
        new(
            "iroh.relays", SettingKind.List, "--iroh-relay", prefix + "IROH_RELAY",
            "Relay for peers that cannot be reached directly, or off (default: by --iroh-discovery). May be repeated.",
            "URL|off"),
        new(
            "iroh.relay_token_file", SettingKind.Text, "--iroh-relay-token-file", prefix + "IROH_RELAY_TOKEN_FILE",
            "File whose first line is the token of the relays.", "FILE"),
        new(
            "iroh.discovery", SettingKind.Text, "--iroh-discovery", prefix + "IROH_DISCOVERY",
            "How peers are found by id: public servers, own servers of the settings, local (LAN only), off.", "MODE"),
        new(
            "iroh.bind", SettingKind.Text, "--iroh-bind", prefix + "IROH_BIND",
            "UDP address and port; * is every address, port 0 any free one.", "ADDR"),
    ];

    /// <summary>The asset store.</summary>
    public static IReadOnlyList<SettingFlag> AssetsOf(string prefix) =>
    [
        new(
            "assets.folder", SettingKind.Text, "--assets", prefix + "ASSETS",
            "Keep an asset store in this folder, created when missing, and serve it (default: none).", "FOLDER",
            isCommon: true),
        new(
            "assets.listen", SettingKind.Text, "--assets-listen", prefix + "ASSETS_LISTEN",
            "Where the asset store is served; an address without a host is loopback.", "ADDR"),
        new(
            "assets.api_key_file", SettingKind.Text, "--assets-api-key-file", prefix + "ASSETS_API_KEY_FILE",
            "File whose first line is the key of reading and storing (default: none is needed).", "FILE"),
        new(
            "assets.admin_token_file", SettingKind.Text, "--assets-admin-token-file",
            prefix + "ASSETS_ADMIN_TOKEN_FILE", "File whose first line is the token of administration.", "FILE"),
        new(
            "assets.mirror.enabled", SettingKind.Switch, "--assets-mirror", prefix + "ASSETS_MIRROR",
            "Mirror the assets with all stores that have the passphrase."),
        new(
            "assets.mirror.passphrase", SettingKind.Text, "--assets-passphrase", prefix + "ASSETS_PASSPHRASE",
            "Passphrase, visible in the process list; prefer --assets-passphrase-file or the variable.", "PASSPHRASE"),
        new(
            "assets.mirror.passphrase_file", SettingKind.Text, "--assets-passphrase-file",
            prefix + "ASSETS_PASSPHRASE_FILE", "File whose first line is the passphrase.", "FILE"),
        new(
            "assets.mirror.peers", SettingKind.List, "--assets-peer", prefix + "ASSETS_PEERS",
            "Ticket or id of another store of the mirror, where it is not found otherwise. May be repeated.",
            "TICKET|ID"),
        new(
            "assets.mirror.allow", SettingKind.List, "--assets-allow", prefix + "ASSETS_ALLOW",
            "Endpoints that may take part: trusted (those of this node's pairing), or ids (default: all that have the "
                + "passphrase). May be repeated.", "trusted|ID"),
        new(
            "assets.mirror.limit", SettingKind.Text, "--assets-limit", prefix + "ASSETS_LIMIT",
            "Bytes per second of content, also by time of day: '5MB', 'off 08:00-18:00=500KB'.", "RATE"),
    ];

    /// <summary>The HTTP ports.</summary>
    public static IReadOnlyList<SettingFlag> HttpOf(string prefix) =>
    [
        new(
            "http.tls_cert", SettingKind.Text, "--tls-cert", prefix + "TLS_CERT",
            "Certificate (PEM, with its chain): serve HTTPS.", "FILE"),
        new(
            "http.tls_key", SettingKind.Text, "--tls-key", prefix + "TLS_KEY", "Private key (PEM) of that certificate.",
            "FILE"),
        new(
            "http.max_request_mb", SettingKind.Number, "--max-request-mb", prefix + "MAX_REQUEST_MB",
            "Largest request, in MB.", "MB"),
        new(
            "http.max_exchanges", SettingKind.Number, "--max-exchanges", prefix + "MAX_EXCHANGES",
            "Exchanges at the same time.", "N"),
    ];

    public static IReadOnlyList<SettingFlag> Leaf { get; } =
    [
        new(
            "http.listen", SettingKind.Text, "--serve-http", "LEAF_SERVE_HTTP",
            "Serve Fossil clients here; an address without a host is loopback (default: serve none).", "ADDR",
            ["--addr", "-P"], isCommon: true),
        UrlsOf(
            "--nats", "LEAF_NATS_URL",
            "Server to join: nats-leaf://host:7422 (our broker becomes its leafnode) or nats://host:4222 (we become "
                + "its client). May be repeated; empty joins none.", ["--nats-url"]),
        new(
            "repositories[*].peers", SettingKind.List, "--peer", "LEAF_PEERS",
            "Fossil server to sync with. May be repeated.", "URL", isCommon: true),
        new(
            "repositories[*].clone_from", SettingKind.Text, "--clone-from", "LEAF_CLONE_FROM",
            "Where to clone a missing repository from: http://…, https://…, or nats.", "URL", ["--seed-from-upstream"],
            isCommon: true),
        new(
            "repositories[*].project_code", SettingKind.Text, "--project", "LEAF_PROJECT_CODE",
            "Project to clone over NATS: 40 hex digits.", "CODE", ["--project-code"]),
        new(
            "nats.role", SettingKind.Text, "--nats-role", "LEAF_NATS_ROLE", "Role in the mesh: peer, hub or leaf.",
            "ROLE"),
        new("nats.enabled", SettingKind.OffSwitch, "--no-nats", "LEAF_NO_NATS", "Disable NATS."),
        new(
            "repositories[*].serve_nats", SettingKind.Switch, "--serve-nats", "LEAF_SERVE_NATS",
            "Answer requests from NATS peers."),
        new(
            "repositories[*].prefix", SettingKind.Text, "--prefix", "LEAF_PREFIX", "First word of the NATS subjects.",
            "WORD"),
        .. NodeOf("LEAF_"),
    ];

    /// <summary>A leaf with HTTP only.</summary>
    public static IReadOnlyList<SettingFlag> Serve { get; } =
    [
        new(
            "http.listen", SettingKind.Text, "--serve-http", "LEAF_SERVE_HTTP",
            "Where to listen (default 127.0.0.1:8080); an address without a host is loopback.", "ADDR",
            ["--addr", "-P"], isCommon: true),
        .. Common,
        .. HttpOf("LEAF_"),
    ];

    public static IReadOnlyList<SettingFlag> Hub { get; } =
    [
        new(
            "http.bind,nats.bind", SettingKind.Text, "--bind", "HUB_BIND",
            "Address of all ports; * is every interface.", "ADDR", isCommon: true),
        new(
            "http.port", SettingKind.Number, "--http-port", "HUB_HTTP_PORT",
            "Port for Fossil clients; 0 picks one (default 0).", "PORT", isCommon: true),
        new(
            "http.listen", SettingKind.Text, "--serve-http", "HUB_SERVE_HTTP",
            "Serve Fossil clients here, in place of --http-port and --bind.", "ADDR", ["--addr", "-P"]),
        UrlsOf(
            "--nats", "HUB_LEAF_UPSTREAM",
            "Join this hub or nats-server as a leafnode. May be repeated; empty joins none.",
            ["--leaf-upstream", "--nats-url"]),
        new(
            "hub.users", SettingKind.Users, "--ensure-user", "HUB_USERS",
            "Create this user unless it exists; its password is printed once. May be repeated.", "LOGIN:CAPS",
            isCommon: true),
        new SettingFlag(
            "hub.nobody_caps", SettingKind.Text, "--nobody-caps", "HUB_NOBODY_CAPS",
            "Capabilities of users without a login (default gio); empty keeps those of the repository.",
            "LETTERS").TakesEmpty(),
        new(
            "hub.project_code", SettingKind.Text, "--project", "HUB_PROJECT_CODE",
            "Project that the repository must have, or gets: 40 hex digits.", "CODE", ["--project-code"]),
        new(
            "hub.seed_from", SettingKind.Text, "--clone-from", "HUB_SEED_FROM_UPSTREAM",
            "Clone a missing repository from here.", "URL", ["--seed-from-upstream"]),
        new(
            "hub.checkpoint", SettingKind.Duration, "--checkpoint", "HUB_CHECKPOINT",
            "How often the write-ahead log is folded into the file."),
        new(
            "hub.exit_without_leaves", SettingKind.Duration, "--exit-without-leaves", "HUB_EXIT_WITHOUT_LEAVES",
            "Exit this long after the last leaf has left (default: never)."),
        new(
            "repositories[*].prefix", SettingKind.Text, "--prefix", "HUB_PREFIX", "First word of the NATS subjects.",
            "WORD"),
        new(
            "repositories[*].serve_nats", SettingKind.Switch, "--serve-nats", "HUB_SERVE_NATS",
            "Answer requests from NATS peers."),
        new(
            "repositories[*].peers", SettingKind.List, "--peer", "HUB_PEERS",
            "Fossil server to sync with. May be repeated.", "URL"),
        .. NodeOf("HUB_"),
    ];

    public static IReadOnlyList<SettingFlag> Bridge { get; } =
    [
        new(
            "bridge.projects[*].url", SettingKind.Text, "--fossil-url", "BRIDGE_FOSSIL_URL", "The Fossil server.",
            "URL", ["--fossil"], isCommon: true),
        new(
            "bridge.projects[*].code", SettingKind.Text, "--project", "BRIDGE_PROJECT_CODE",
            "Project code of that server: 40 hex digits.", "CODE", ["--project-code"], isCommon: true),
        UrlsOf(
            "--nats", "BRIDGE_NATS_URL",
            "Server to join: nats-leaf://host:7422 or nats://host:4222. May be repeated; empty joins none.",
            ["--nats-url"]),
        new(
            "http.listen", SettingKind.Text, "--serve-http", "BRIDGE_SERVE_HTTP",
            "Serve /healthz, /readyz, /status and /metrics here.", "ADDR", ["--addr", "-P"], isCommon: true),
        new(
            "bridge.projects[*].prefix", SettingKind.Text, "--prefix", "BRIDGE_PREFIX",
            "First word of the NATS subjects.", "WORD"),
        new(
            "bridge.projects[*].http_auth_file", SettingKind.Text, "--http-auth-file", "BRIDGE_HTTP_AUTH_FILE",
            "File with USER:PASSWORD for a web server in front of it.", "FILE"),
        new(
            "bridge.projects[*].probe", SettingKind.Duration, "--probe", "BRIDGE_PROBE",
            "How often to check the Fossil server for new artifacts; 0s disables."),
        new(
            "bridge.projects[*].login_file", SettingKind.Text, "--login-file", "BRIDGE_LOGIN_FILE",
            "File with LOGIN:PASSWORD for these checks (default: no login).", "FILE"),
        new(
            "bridge.projects[*].fossil_file", SettingKind.Text, "--fossil-file", "BRIDGE_FOSSIL_FILE",
            "Repository file of the server, if it is on this machine: a change is detected at once.", "FILE"),
        .. Common,
        .. NatsOf("BRIDGE_"),
        .. HttpOf("BRIDGE_"),
    ];

    /// <summary>How a repository is kept in sync.</summary>
    public static IReadOnlyList<SettingFlag> RepositoryOf(string prefix) =>
    [
        new(
            "repositories[*].poll", SettingKind.Duration, "--poll", prefix + "POLL", "How often to poll peers.",
            aliases: ["--poll-interval"]),
        new(
            "repositories[*].user", SettingKind.Text, "--user", prefix + "USER",
            "Login on peers (default: none, the rights of Fossil's user 'nobody').", "LOGIN", ["-u"]),
        new(
            "repositories[*].password", SettingKind.Text, "--password", prefix + "PASSWORD",
            "Password, visible in the process list; prefer --password-file or the variable.", "PASSWORD",
            ["--pass", "-p"]),
        new(
            "repositories[*].password_file", SettingKind.Text, "--password-file", prefix + "PASSWORD_FILE",
            "File whose first line is the password.", "FILE", ["--pass-file"]),
        new("repositories[*].push", SettingKind.Switch, "--push", prefix + "PUSH", "Send artifacts to peers."),
        new("repositories[*].pull", SettingKind.Switch, "--pull", prefix + "PULL", "Receive artifacts from peers."),
        new("repositories[*].uv", SettingKind.Switch, "--uv", prefix + "UV", "Sync unversioned files too."),
        new("repositories[*].tables", SettingKind.Switch, "--tables", prefix + "TABLES", "Sync synced tables too."),
        new(
            "repositories[*].private", SettingKind.Switch, "--private", prefix + "PRIVATE",
            "Sync private branches too."),
        new(
            "repositories[*].autosync", SettingKind.Text, "--autosync", prefix + "AUTOSYNC",
            "Sync after each commit: on, off or pullonly.", "MODE"),
        new(
            "repositories[*].allow_fork", SettingKind.Switch, "--allow-fork", prefix + "ALLOW_FORK",
            "Let commits of the watched folder fork."),
        new(
            "repositories[*].override_lock", SettingKind.Switch, "--override-lock", prefix + "OVERRIDE_LOCK",
            "Let commits of the watched folder override check-in locks of others."),
        new(
            "repositories[*].notify", SettingKind.Switch, "--notify", prefix + "NOTIFY",
            "Sync messages too: notify.fossil beside the repository, created when missing.", isCommon: true),
        new(
            "repositories[*].notify_peers", SettingKind.List, "--notify-peer", prefix + "NOTIFY_PEERS",
            "Fossil server to sync messages with. May be repeated.", "URL"),
        new(
            "repositories[*].watch.folder", SettingKind.Text, "--watch", prefix + "WATCH",
            "Commit the changes of this folder automatically.", "FOLDER"),
        new(
            "repositories[*].watch.quiet", SettingKind.Duration, "--watch-quiet", prefix + "WATCH_QUIET",
            "Commit when no file has changed for this long."),
    ];

    // What a leaf and a hub have in common.
    private static IReadOnlyList<SettingFlag> NodeOf(string prefix) =>
    [
        .. RepositoryOf(prefix),
        .. Common,
        .. IrohOf(prefix),
        .. AssetsOf(prefix),
        .. NatsOf(prefix),
        .. HttpOf(prefix),
    ];

    // An empty address means none: it overrides the file from the command line.
    private static SettingFlag UrlsOf(string flag, string variable, string description, string[] aliases) =>
        new SettingFlag(
            "nats.urls", SettingKind.List, flag, variable, description, "URL", aliases, isCommon: true).TakesEmpty();
}
