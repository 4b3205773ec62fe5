namespace EdgeSync.Cli.Configuration;

/// <summary>The flags of the daemons: each names its place in <c>edgesync.json</c> and its environment variable.</summary>
internal static class NodeFlags
{
    /// <summary>Names, folders, logs: the same for every daemon.</summary>
    public static IReadOnlyList<SettingFlag> Common { get; } =
    [
        new("node.name", SettingKind.Text, "--name", "EDGESYNC_NAME", "Stable name among peers; otherwise the host's.", "NAME"),
        new("node.data_dir", SettingKind.Text, "--data-dir", "EDGESYNC_DATA_DIR", "Folder for state; otherwise that of 'edgesync config paths'.", "FOLDER"),
        new("node.control_socket", SettingKind.Text, "--control-socket", "EDGESYNC_CONTROL_SOCKET", "Unix socket for 'sync now' and the like.", "PATH"),
        new("node.url_file", SettingKind.Text, "--url-file", "EDGESYNC_URL_FILE", "Write the addresses here, as JSON, once everything listens.", "FILE"),
        new("log.format", SettingKind.Text, "--log-format", "EDGESYNC_LOG_FORMAT", "auto, text or json.", "FORMAT"),
        new("log.level", SettingKind.Text, "--log-level", "EDGESYNC_LOG_LEVEL", "debug, info, warning or error.", "LEVEL"),
        new("telemetry.endpoint", SettingKind.Text, "--otel-endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "Send traces and metrics here (OTLP over HTTP); otherwise nowhere.", "URL"),
        new("telemetry.headers", SettingKind.Text, "--otel-headers", "OTEL_EXPORTER_OTLP_HEADERS", "Headers for it: name=value,….", "HEADERS"),
        new("telemetry.headers_file", SettingKind.Text, "--otel-headers-file", "EDGESYNC_OTEL_HEADERS_FILE", "File that holds them.", "FILE"),
        new("telemetry.service_name", SettingKind.Text, "--otel-service-name", "OTEL_SERVICE_NAME", "Name of this service there.", "NAME"),
    ];

    /// <summary>How a daemon joins NATS, and what its broker opens.</summary>
    public static IReadOnlyList<SettingFlag> NatsOf(string prefix) =>
    [
        new("nats.remotes", SettingKind.Remotes, "--nats-remote", prefix + "NATS_REMOTES", "One more hub to join at the same time, as a leafnode; commas between the addresses of one hub. May be repeated.", "URL,…"),
        new("nats.client_port", SettingKind.Number, "--nats-client-port", prefix + "NATS_CLIENT_PORT", "Port of the broker for NATS clients; 0 picks one; otherwise none.", "PORT"),
        new("nats.leaf_port", SettingKind.Number, "--nats-leaf-port", prefix + "NATS_LEAF_PORT", "Port of the broker for leafnodes; 0 picks one; otherwise none.", "PORT"),
        new("nats.websocket_port", SettingKind.Number, "--nats-websocket-port", prefix + "NATS_WEBSOCKET_PORT", "Port of the broker for WebSocket clients; 0 picks one; otherwise none.", "PORT", ["--websocket-port"]),
        new("nats.monitor_port", SettingKind.Number, "--nats-monitor-port", prefix + "NATS_MONITOR_PORT", "Port for /varz, /connz, /subsz and /leafz; 0 picks one; otherwise none.", "PORT"),
        new("nats.bind", SettingKind.Text, "--nats-bind", prefix + "NATS_BIND", "Address of the broker's ports; * is every one, otherwise loopback.", "ADDR"),
        new("nats.max_payload", SettingKind.Number, "--nats-max-payload", prefix + "NATS_MAX_PAYLOAD", "Largest message that the broker takes.", "BYTES"),
        new("nats.pending_max", SettingKind.Number, "--nats-pending-max", prefix + "NATS_PENDING_MAX", "Bytes that may wait in the broker for slow receivers; otherwise an eighth of the memory, at most 192 MiB.", "BYTES"),
        new("nats.store_dir", SettingKind.Text, "--nats-store-dir", prefix + "NATS_STORE_DIR", "Folder for the streams of a supervised nats-server.", "FOLDER", ["--store-dir"]),
        new("nats.server", SettingKind.Text, "--nats-server", prefix + "NATS_SERVER", "Run this nats-server (auto: the one in PATH) instead of the embedded broker.", "PATH"),
        new("nats.durable", SettingKind.OffSwitch, "--no-jetstream", prefix + "NO_JETSTREAM", "Keep no announcements in the JetStream of an outside server."),
        new("nats.jetstream_domain", SettingKind.Text, "--nats-jetstream-domain", prefix + "NATS_JETSTREAM_DOMAIN", "Its JetStream domain, beyond a leafnode link.", "NAME"),
        new("nats.login.user", SettingKind.Text, "--nats-user", prefix + "NATS_USER", "Login on the server that is joined.", "LOGIN"),
        new("nats.login.password_file", SettingKind.Text, "--nats-password-file", prefix + "NATS_PASSWORD_FILE", "File whose first line is its password.", "FILE"),
        new("nats.login.token_file", SettingKind.Text, "--nats-token-file", prefix + "NATS_TOKEN_FILE", "File whose first line is a token.", "FILE"),
        new("nats.login.nkey_file", SettingKind.Text, "--nats-nkey", prefix + "NATS_NKEY", "File with an NKey seed.", "FILE"),
        new("nats.login.creds_file", SettingKind.Text, "--nats-creds", prefix + "NATS_CREDS", "File with a JWT and its seed.", "FILE"),
        new("nats.tls.ca_file", SettingKind.Text, "--nats-ca", prefix + "NATS_CA", "Certificates (PEM) to trust besides the system's.", "FILE"),
        new("nats.tls.cert_file", SettingKind.Text, "--nats-cert", prefix + "NATS_CERT", "Certificate (PEM) to show to the server.", "FILE"),
        new("nats.tls.key_file", SettingKind.Text, "--nats-key", prefix + "NATS_KEY", "Its private key.", "FILE"),
        new("nats.serve_tls.cert_file", SettingKind.Text, "--nats-serve-cert", prefix + "NATS_SERVE_CERT", "Certificate (PEM) of the broker's own ports: they take TLS only.", "FILE"),
        new("nats.serve_tls.key_file", SettingKind.Text, "--nats-serve-key", prefix + "NATS_SERVE_KEY", "Its private key.", "FILE"),
    ];

    /// <summary>The web side.</summary>
    public static IReadOnlyList<SettingFlag> HttpOf(string prefix) =>
    [
        new("http.tls_cert", SettingKind.Text, "--tls-cert", prefix + "TLS_CERT", "Certificate (PEM, with its chain): serve https.", "FILE"),
        new("http.tls_key", SettingKind.Text, "--tls-key", prefix + "TLS_KEY", "Its private key (PEM).", "FILE"),
        new("http.max_request_mb", SettingKind.Number, "--max-request-mb", prefix + "MAX_REQUEST_MB", "Largest request, in MB.", "MB"),
        new("http.max_exchanges", SettingKind.Number, "--max-exchanges", prefix + "MAX_EXCHANGES", "Exchanges at the same time.", "N"),
    ];

    public static IReadOnlyList<SettingFlag> Leaf { get; } =
    [
        new("http.listen", SettingKind.Text, "--serve-http", "LEAF_SERVE_HTTP", "Answer Fossil clients here; an address without a host is loopback.", "ADDR"),
        new("nats.urls", SettingKind.List, "--nats", "LEAF_NATS_URL", "Server to join: nats-leaf://host:7422 (our broker becomes its leafnode) or nats://host:4222 (we become its client). May be repeated.", "URL", ["--nats-url"]),
        new("nats.role", SettingKind.Text, "--nats-role", "LEAF_NATS_ROLE", "peer, hub or leaf: who syncs with whom.", "ROLE"),
        new("nats.enabled", SettingKind.OffSwitch, "--no-nats", "LEAF_NO_NATS", "No broker and no NATS at all."),
        new("repositories[*].serve_nats", SettingKind.Switch, "--serve-nats", "LEAF_SERVE_NATS", "Answer peers over NATS; on unless =false."),
        new("repositories[*].prefix", SettingKind.Text, "--prefix", "LEAF_PREFIX", "First word of the subjects; otherwise fossil.", "WORD"),
        new("repositories[*].peers", SettingKind.List, "--peer", "LEAF_PEERS", "Fossil server to sync with too. May be repeated.", "URL"),
        new("repositories[*].clone_from", SettingKind.Text, "--clone-from", "LEAF_CLONE_FROM", "Where a missing repository comes from: http://…, https://…, or nats.", "URL"),
        new("repositories[*].project_code", SettingKind.Text, "--project", "LEAF_PROJECT_CODE", "Project to clone over NATS: 40 hex digits.", "CODE"),
        .. RepositoryOf("LEAF_"),
        .. Common,
        .. NatsOf("LEAF_"),
        .. HttpOf("LEAF_"),
    ];

    public static IReadOnlyList<SettingFlag> Hub { get; } =
    [
        new("http.bind,nats.bind", SettingKind.Text, "--bind", "HUB_BIND", "Address of all ports; * is every one, otherwise loopback.", "ADDR"),
        new("http.port", SettingKind.Number, "--http-port", "HUB_HTTP_PORT", "Port for Fossil clients; 0 picks one.", "PORT"),
        new("nats.urls", SettingKind.List, "--leaf-upstream", "HUB_LEAF_UPSTREAM", "Join this hub or nats-server as a leafnode. May be repeated.", "URL"),
        new("hub.nobody_caps", SettingKind.Text, "--nobody-caps", "HUB_NOBODY_CAPS", "Capabilities of people without a login; gio. Empty leaves the repository's own.", "LETTERS"),
        new("hub.project_code", SettingKind.Text, "--project-code", "HUB_PROJECT_CODE", "Project that the repository must have, or gets: 40 hex digits.", "CODE"),
        new("hub.seed_from", SettingKind.Text, "--seed-from-upstream", "HUB_SEED_FROM_UPSTREAM", "Copy a missing repository from here.", "URL"),
        new("hub.checkpoint", SettingKind.Duration, "--checkpoint", "HUB_CHECKPOINT", "How often the log is folded into the file; 10s."),
        new("hub.exit_without_leaves", SettingKind.Duration, "--exit-without-leaves", "HUB_EXIT_WITHOUT_LEAVES", "End so long after the last leaf left."),
        new("hub.users", SettingKind.Users, "--ensure-user", "HUB_USERS", "Make this user if there is none; its password is printed once. May be repeated.", "LOGIN:CAPS"),
        new("repositories[*].prefix", SettingKind.Text, "--prefix", "HUB_PREFIX", "First word of the subjects; otherwise fossil.", "WORD"),
        new("repositories[*].serve_nats", SettingKind.Switch, "--serve-nats", "HUB_SERVE_NATS", "Answer peers over NATS; on unless =false."),
        new("repositories[*].peers", SettingKind.List, "--peer", "HUB_PEERS", "Fossil server to sync with too. May be repeated.", "URL"),
        .. RepositoryOf("HUB_"),
        .. Common,
        .. NatsOf("HUB_"),
        .. HttpOf("HUB_"),
    ];

    public static IReadOnlyList<SettingFlag> Bridge { get; } =
    [
        new("bridge.projects[*].url", SettingKind.Text, "--fossil-url", "BRIDGE_FOSSIL_URL", "The Fossil server.", "URL", ["--fossil"]),
        new("bridge.projects[*].code", SettingKind.Text, "--project", "BRIDGE_PROJECT_CODE", "Its project: 40 hex digits.", "CODE"),
        new("bridge.projects[*].prefix", SettingKind.Text, "--prefix", "BRIDGE_PREFIX", "First word of the subjects; otherwise fossil.", "WORD"),
        new("bridge.projects[*].http_auth_file", SettingKind.Text, "--http-auth-file", "BRIDGE_HTTP_AUTH_FILE", "File with USER:PASSWORD for a web server in front.", "FILE"),
        new("bridge.projects[*].probe", SettingKind.Duration, "--probe", "BRIDGE_PROBE", "Shortest pause between looks for what the server got from elsewhere; 500ms, 0s never looks."),
        new("bridge.projects[*].login_file", SettingKind.Text, "--login-file", "BRIDGE_LOGIN_FILE", "File with LOGIN:PASSWORD of somebody who may read there, for these looks.", "FILE"),
        new("bridge.projects[*].fossil_file", SettingKind.Text, "--fossil-file", "BRIDGE_FOSSIL_FILE", "The server's repository file, if it is on this machine: looks follow its growth.", "FILE"),
        new("nats.urls", SettingKind.List, "--nats", "BRIDGE_NATS_URL", "Server to join: nats-leaf://host:7422 or nats://host:4222. May be repeated.", "URL", ["--nats-url"]),
        new("http.listen", SettingKind.Text, "--serve-http", "BRIDGE_SERVE_HTTP", "Serve /healthz, /readyz, /status and /metrics here.", "ADDR"),
        .. Common,
        .. NatsOf("BRIDGE_"),
        .. HttpOf("BRIDGE_"),
    ];

    /// <summary>How a repository is kept in step.</summary>
    public static IReadOnlyList<SettingFlag> RepositoryOf(string prefix) =>
    [
        new("repositories[*].poll", SettingKind.Duration, "--poll", prefix + "POLL", "Pause between questions when nothing was announced; 5s.", aliases: ["--poll-interval"]),
        new("repositories[*].user", SettingKind.Text, "--user", prefix + "USER", "Login on peers; otherwise nobody.", "LOGIN", ["-u"]),
        new("repositories[*].password", SettingKind.Text, "--password", prefix + "PASSWORD", "Password; others can see it in the process list: the file or the variable is better.", "PASSWORD"),
        new("repositories[*].password_file", SettingKind.Text, "--password-file", prefix + "PASSWORD_FILE", "File whose first line is the password.", "FILE"),
        new("repositories[*].push", SettingKind.Switch, "--push", prefix + "PUSH", "Send what peers lack; on unless =false."),
        new("repositories[*].push", SettingKind.OffSwitch, "--no-push", null, "Send nothing."),
        new("repositories[*].pull", SettingKind.Switch, "--pull", prefix + "PULL", "Receive what peers have; on unless =false."),
        new("repositories[*].pull", SettingKind.OffSwitch, "--no-pull", null, "Receive nothing."),
        new("repositories[*].uv", SettingKind.Switch, "--uv", prefix + "UV", "Unversioned files too."),
        new("repositories[*].tables", SettingKind.Switch, "--tables", prefix + "TABLES", "Synced tables too."),
        new("repositories[*].private", SettingKind.Switch, "--private", prefix + "PRIVATE", "Private branches too."),
        new("repositories[*].autosync", SettingKind.Text, "--autosync", prefix + "AUTOSYNC", "What a commit brings about: on, off or pullonly.", "MODE"),
        new("repositories[*].allow_fork", SettingKind.Switch, "--allow-fork", prefix + "ALLOW_FORK", "Commits of the watched folder may fork."),
        new("repositories[*].override_lock", SettingKind.Switch, "--override-lock", prefix + "OVERRIDE_LOCK", "Commits of the watched folder overrule others' check-in locks."),
        new("repositories[*].watch.folder", SettingKind.Text, "--watch", prefix + "WATCH", "Folder whose changes are committed by themselves.", "FOLDER"),
        new("repositories[*].watch.quiet", SettingKind.Duration, "--watch-quiet", prefix + "WATCH_QUIET", "No file changes for this long, then a commit; 2s."),
    ];
}
