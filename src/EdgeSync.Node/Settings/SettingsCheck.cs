using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>Checks of settings beyond their types; every fault names its place.</summary>
internal static class SettingsCheck
{
    private const int ProjectCodeLength = 40;
    private const int NameLengthMax = 100;

    /// <exception cref="EdgeSyncException">The first fault.</exception>
    public static void Require(NodeSettings settings, string? file)
    {
        if (Faults(settings).FirstOrDefault() is not { Path: not null } fault) return;

        throw new EdgeSyncException(
            ErrorKind.Usage, $"{fault.Path}: {fault.Text}",
            file is null ? null : $"correct {file} or the flag; edgesync config validate");
    }

    /// <summary>All faults, in the order of the file.</summary>
    public static IEnumerable<(string Path, string Text)> Faults(NodeSettings settings) =>
    [
        .. OfNode(settings.Node), .. OfNats(settings.Nats), .. OfIroh(settings), .. OfHttp(settings.Http),
        .. OfAssets(settings),
        .. settings.Repositories.SelectMany(OfRepository), .. OfDuplicates(settings.Repositories),
        .. OfHub(settings.Hub), .. settings.Bridge.Projects.SelectMany(OfBridge),
    ];

    /// <summary>Files with secrets: existing, and private.</summary>
    public static IEnumerable<(string Path, string Text)> SecretFaults(NodeSettings settings) =>
        from file in SecretFiles(settings)
        let fault = Secrets.FaultOf(file.File)
        where fault is not null
        select (file.Path, fault);

    /// <summary>
    /// Every file with a secret, by the place that names it. A certificate without a key file holds its key.
    /// </summary>
    public static IEnumerable<(string Path, string File)> SecretFiles(NodeSettings settings)
    {
        List<(string Path, string? File)> files =
        [
            .. OfRemote("nats", settings.Nats.Login, settings.Nats.Tls), ("nats.token_file", settings.Nats.TokenFile),
                ("nats.serve_tls.key_file", settings.Nats.ServeTls.KeyFile ?? settings.Nats.ServeTls.CertFile),
            ("http.tls_key", settings.Http.TlsKey ?? settings.Http.TlsCert),
                ("telemetry.headers_file", settings.Telemetry.HeadersFile),
            ("iroh.relay_token_file", settings.Iroh.RelayTokenFile),
        ];
        if (settings.Assets is { IsOn: true } assets)
            files.AddRange(
            [
                ("assets.api_key_file", assets.ApiKeyFile), ("assets.admin_token_file", assets.AdminTokenFile),
                ("assets.sync_api_key_file", assets.SyncApiKeyFile),
                ("assets.mirror.passphrase_file", assets.Mirror.PassphraseFile),
            ]);
        for (var i = 0; i < settings.Nats.Remotes.Count; i++)
            files.AddRange(
                OfRemote($"nats.remotes[{i}]", settings.Nats.Remotes[i].Login, settings.Nats.Remotes[i].Tls));
        files.AddRange(settings.Nats.Users.Select((user, i) => ($"nats.users[{i}].password_file", user.PasswordFile)));
        files.AddRange(
            settings.Repositories.Select((one, i) => ($"repositories[{i}].password_file", one.PasswordFile)));
        files.AddRange(settings.Hub.Users.Select((user, i) => ($"hub.users[{i}].password_file", user.PasswordFile)));
        files.AddRange(
            settings.Bridge.Projects.Select((one, i) => ($"bridge.projects[{i}].http_auth_file", one.HttpAuthFile)));
        files.AddRange(
            settings.Bridge.Projects.Select((one, i) => ($"bridge.projects[{i}].login_file", one.LoginFile)));
        return files.Where(f => f.File is not null).Select(f => (f.Path, f.File!));
    }

    private static IEnumerable<(string Path, string? File)> OfRemote(string place, NatsLogin login, NatsTls tls) =>
    [
        ($"{place}.login.password_file", login.PasswordFile), ($"{place}.login.token_file", login.TokenFile),
        ($"{place}.login.nkey_file", login.NkeyFile), ($"{place}.login.creds_file", login.CredsFile),
        ($"{place}.tls.key_file", tls.KeyFile ?? tls.CertFile),
    ];

    public const string UnauthenticatedBindHint =
        "configure nats.users, or bind a private address: --nats-bind 127.0.0.1";

    public const string OpenWebHint =
        "serve HTTPS: --tls-cert FILE --tls-key FILE; or bind a private address: --serve-http 127.0.0.1:8080";

    /// <summary>
    /// Warns that passwords reach the web port in clear text from other machines; null when they do not.
    /// </summary>
    public static string? OpenWeb(HttpSection http) =>
        (http.TlsCert is null || http.TlsListen is not null) && http.Address is { } text
        && ListenAddress.TryParse(text, out var endpoint) && !System.Net.IPAddress.IsLoopback(endpoint.Address)
            ? $"the HTTP port on {text} is reachable from other machines without TLS: contents and logins can be "
                + $"observed"
            : null;

    public const string OpenAssetsHint = "a key for clients: --assets-api-key-file FILE; or --assets-listen :3210";

    /// <summary>
    /// Warns that other machines reach the assets without a key, or with keys in clear text; null when not so.
    /// </summary>
    public static string? OpenAssets(AssetsSection assets) =>
        assets.IsOn && ListenAddress.TryParse(assets.Listen, out var endpoint)
        && !System.Net.IPAddress.IsLoopback(endpoint.Address) && (assets.ApiKey ?? assets.ApiKeyFile) is null
            ? $"the assets on {assets.Listen} can be read and changed by everyone who can connect"
            : null;

    /// <summary>Files and folders named in the settings that do not exist.</summary>
    public static IEnumerable<(string Path, string Text)> MissingFaults(NodeSettings settings)
    {
        for (var i = 0; i < settings.Repositories.Count; i++)
        {
            var repository = settings.Repositories[i];
            if (repository.Path.Length > 0 && repository.CloneFrom is null && !File.Exists(repository.Path))
                yield return ($"repositories[{i}].path", $"{repository.Path} does not exist");
            if (repository.Watch is { Folder.Length: > 0 } watch && !Directory.Exists(watch.Folder))
                yield return ($"repositories[{i}].watch.folder", $"{watch.Folder} does not exist");
        }
    }

    /// <summary>
    /// Warns that any client that reaches the embedded broker from another machine may use it; null when not so.
    /// </summary>
    public static string? UnauthenticatedBindWarning(NatsSection nats)
    {
        var listens = nats.IsUseful && !nats.IsClient
            && (nats.ClientPort ?? nats.LeafPort ?? nats.WebsocketPort) is not null;
        var isLocal = nats.Bind == "localhost"
            || (System.Net.IPAddress.TryParse(nats.Bind, out var address) && System.Net.IPAddress.IsLoopback(address));
        return listens && !isLocal && nats.Users.Count == 0 && !nats.Members && nats.Token is null
            && nats.TokenFile is null && nats.ServeTls.CaFile is null
            ? $"NATS ports on {nats.Bind} accept anyone who can connect: no users and no client certificates are "
                + $"configured"
            : null;
    }

    private const string PinFault = "a pin is sha256: and 64 hex digits";

    public static bool IsProjectCode(string? text) =>
        text is { Length: ProjectCodeLength } && text.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    private static IEnumerable<(string, string)> OfNode(NodeSection node)
    {
        if (node.Name is { } name && !IsToken(name))
            yield return ("node.name", $"'{name}' is not a node name: letters, digits, '-' and '_', at most 64");
    }

    private static IEnumerable<(string, string)> OfNats(NatsSection nats)
    {
        foreach (var fault in OfRemotes(nats)) yield return fault;
        (string, int?)[] ports = [
            ("client_port", nats.ClientPort), ("leaf_port", nats.LeafPort), ("websocket_port", nats.WebsocketPort),
            ("monitor_port", nats.MonitorPort)];
        foreach (var (name, port) in ports)
        {
            if (port is < 0 or > 65_535)
                yield return ($"nats.{name}", $"{port} is not a port: 0 (any free one) to 65535");
        }

        foreach (var origin in nats.WebsocketOrigins)
        {
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var page) || page.Scheme is not ("http" or "https")
                || page.GetLeftPart(UriPartial.Authority) != origin)
                yield return (
                    "nats.websocket_origins",
                    $"'{origin}' is not the origin of a page: http://HOST:PORT or https://HOST, without a path");
        }

        if (nats.ServeTls is { First: false } tls && tls.FirstFallback != TimeSpan.Zero)
            yield return ("nats.serve_tls.first_fallback", "only where TLS is first: \"first\": true");
        foreach (var (place, towards) in nats.Remotes.Select(
            (r, i) => ($"nats.remotes[{i}].tls.pin", r.Tls)).Prepend(("nats.tls.pin", nats.Tls)))
        {
            if (towards.Pin is { } pin && EdgeSync.Net.ServerPin.TryParse(pin) is null) yield return (place, PinFault);
        }

        if (nats.Tls.Pin is not null && nats.IsClient)
            yield return ("nats.tls.pin", "only leafnode links check a pin: nats-leaf:// or tls-leaf:// in nats.urls");
        if (nats.MaxPayload is < 1024 or > 64 << 20) yield return ("nats.max_payload", "1024 to 67108864 bytes");
        if (nats.PendingMax is < 1 << 20) yield return ("nats.pending_max", "at least 1048576 bytes");
        if (nats.Bind is not ("*" or "localhost") && !System.Net.IPAddress.TryParse(nats.Bind, out _))
            yield return (
                "nats.bind", $"'{nats.Bind}' is not an address of this machine: 127.0.0.1, 10.0.0.4, or * for all");
        // As in nats-server, where one excludes the other.
        if (nats.Users.Count > 0 && (nats.Token ?? nats.TokenFile) is not null)
            yield return ("nats.token", "set a token or users, not both");
        for (var i = 0; i < nats.Users.Count; i++)
        {
            if (nats.Users[i] is { User: null, Nkey: null })
                yield return ($"nats.users[{i}]", "a user has a name and a password, or an nkey");
            if (nats.Users[i].AllowResponses is 0)
                yield return (
                    $"nats.users[{i}].allow_responses", "must be 1 or more, or -1 for no limit");
        }
    }

    private static IEnumerable<(string, string)> OfRemotes(NatsSection nats)
    {
        foreach (var url in nats.Urls)
        {
            if (!NatsAddress.TryParse(url, out _, out var fault)) yield return ("nats.urls", fault);
        }

        var kinds = nats.Urls.Select(
            u => NatsAddress.TryParse(
                u, out var address, out _) ? address.Kind : (NatsLinkKind?)null).Distinct().ToList();
        var isClient = kinds.Contains(NatsLinkKind.Client);
        if (isClient && kinds.Contains(NatsLinkKind.Leafnode))
            yield return (
                "nats.urls", "leafnode and client addresses cannot be mixed: all nats-leaf://, or all nats://");
        if (isClient && (nats.ClientPort ?? nats.LeafPort ?? nats.WebsocketPort ?? nats.MonitorPort) is not null)
            yield return (
                "nats.urls", "a client has no broker that could open ports: join as a leafnode, nats-leaf://host:7422");
        if (isClient && nats.Server is not null)
            yield return ("nats.urls", "a supervised nats-server joins others as a leafnode: nats-leaf://host:7422");
        if (isClient && nats.Remotes.Count > 0)
            yield return (
                "nats.urls", "a client has one server; several hubs are joined as a leafnode: nats-leaf://host:7422");

        var seen = new HashSet<string>(nats.Urls, StringComparer.Ordinal);
        for (var i = 0; i < nats.Remotes.Count; i++)
        {
            if (nats.Remotes[i].Urls.Count == 0)
                yield return ($"nats.remotes[{i}].urls", "no address, such as nats-leaf://host:7422");
            foreach (var url in nats.Remotes[i].Urls)
            {
                if (!NatsAddress.TryParse(url, out var address, out var fault))
                    yield return ($"nats.remotes[{i}].urls", fault);
                else if (address.Kind == NatsLinkKind.Client)
                    yield return (
                        $"nats.remotes[{i}].urls", $"{address}: {address.Why}; several hubs are joined as a leafnode");
                else if (!seen.Add(url))
                    yield return (
                        $"nats.remotes[{i}].urls",
                        $"{address} is named twice: addresses of one hub stand in one remote");
            }
        }
    }

    private static IEnumerable<(string, string)> OfIroh(NodeSettings settings)
    {
        var iroh = settings.Iroh;
        foreach (var peer in iroh.Peers)
        {
            if (!IrohPeer.TryParse(peer, out _, out var fault)) yield return ("iroh.peers", fault);
        }

        if (iroh is { IsRelayOff: true, NamedRelays.Count: > 0 })
            yield return ("iroh.relays", "off, or the addresses of relays, not both");
        foreach (var relay in iroh.NamedRelays)
        {
            if (!EdgeSync.Iroh.Endpoints.RelayUrl.TryParse(relay, out _))
                yield return ("iroh.relays", $"'{relay}' is not the address of a relay: https://host, or off");
        }

        foreach (var pkarr in iroh.Pkarr)
        {
            if (!Uri.TryCreate(pkarr, UriKind.Absolute, out var url)
                || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
                yield return ("iroh.pkarr", $"'{pkarr}' is not an address: https://host/pkarr");
        }

        if ((iroh.Pkarr.Count > 0 || iroh.DnsOrigins.Count > 0) && iroh.Discovery != IrohDiscoveryMode.Own)
            yield return ("iroh.discovery", "servers of iroh.pkarr and iroh.dns_origins need own");
        if (!ListenAddress.TryParse(iroh.Bind, out _)) yield return ("iroh.bind", ListenAddress.FaultOf(iroh.Bind));
        if (iroh.Enabled && iroh.KeyFile is null && settings.Repositories.Count == 0)
            yield return ("iroh.key_file", "needed without a repository: --iroh-key FILE");
    }

    private static IEnumerable<(string, string)> OfHttp(HttpSection http)
    {
        if (http.Address is { } listen && !ListenAddress.TryParse(listen, out _))
            yield return ("http.listen", ListenAddress.FaultOf(listen));
        foreach (var proxy in http.TrustedProxies)
        {
            if (!TrustedProxies.TryParse(proxy, out _))
                yield return (
                    "http.trusted_proxies", $"invalid address or network '{proxy}' (examples: 127.0.0.1, 10.0.0.0/8)");
        }

        if (http.TlsListen is { } secure && !ListenAddress.TryParse(secure, out _))
            yield return ("http.tls_listen", ListenAddress.FaultOf(secure));
        if (http.TlsListen is not null && http.TlsCert is null)
            yield return ("http.tls_listen", "needs a certificate (tls_cert)");
        if (http.TlsKey is not null && http.TlsCert is null)
            yield return ("http.tls_key", "a key without a certificate (tls_cert)");
        if (http.MaxRequestMb is < 1 or > 2000) yield return ("http.max_request_mb", "1 to 2000");
        if (http.MaxExchanges is < 1 or > 10_000) yield return ("http.max_exchanges", "1 to 10000");
    }

    private static IEnumerable<(string, string)> OfAssets(NodeSettings settings)
    {
        var (assets, mirror) = (settings.Assets, settings.Assets.Mirror);
        if (!ListenAddress.TryParse(assets.Listen, out _))
            yield return ("assets.listen", ListenAddress.FaultOf(assets.Listen));
        if (assets.DiskReserveMb is < 0 or > 1 << 20) yield return ("assets.disk_reserve_mb", "0 to 1048576");
        if (assets.VerifyInterval < TimeSpan.Zero) yield return ("assets.verify_interval", "0 or more");
        if (assets.VerifyMbPerSecond is < 1 or > 1 << 20) yield return ("assets.verify_mb_per_second", "1 to 1048576");
        if (assets.RebuildErrorThreshold < 0) yield return ("assets.rebuild_error_threshold", "0 or more");
        if (mirror.Enabled && !assets.IsOn)
            yield return ("assets.mirror.enabled", "a mirror needs a store: assets.folder, or --assets FOLDER");
        if (mirror.Enabled && (mirror.Passphrase ?? mirror.PassphraseFile) is null)
            yield return (
                "assets.mirror.enabled",
                "a mirror needs a passphrase, which all of its stores have in common: --assets-passphrase-file FILE");
        if (mirror.Name is { Length: > NameLengthMax })
            yield return ("assets.mirror.name", $"at most {NameLengthMax} characters");
        foreach (var peer in mirror.Peers)
        {
            if (!IrohPeer.TryParse(peer, out _, out var fault)) yield return ("assets.mirror.peers", fault);
        }

        foreach (var id in mirror.AllowedIds)
        {
            if (!EdgeSync.Iroh.Endpoints.EndpointId.TryParse(id, out _))
                yield return ("assets.mirror.allow", $"'{id}' is not an endpoint id (64 hex digits), or trusted");
        }

        foreach (var id in mirror.Original.Where(o => o != AssetsMirror.OriginalTicket))
        {
            if (!EdgeSync.Iroh.Endpoints.EndpointId.TryParse(id, out _))
                yield return ("assets.mirror.original", $"'{id}' is not an endpoint id (64 hex digits), or ticket");
        }

        if (mirror is { Enabled: true, AllowsTrusted: true } && !settings.Iroh.Enabled)
            yield return (
                "assets.mirror.allow", "trusted are the peers of the node's endpoint: \"iroh\": { \"enabled\": true }");
        if (mirror.Limit is { } limit && TransferLimit.Of(limit) is null)
            yield return ("assets.mirror.limit", $"'{limit}' is not a limit: {TransferLimit.Hint}");
    }

    private static IEnumerable<(string, string)> OfRepository(RepositorySettings repository, int index)
    {
        var place = $"repositories[{index}]";
        if (repository.Path.Length == 0) yield return (place + ".path", "a repository needs its file");
        if (!IsPrefix(repository.Prefix))
            yield return (
                place + ".prefix",
                $"'{repository.Prefix}' cannot begin a subject: words of letters, digits, '-' and '_', with dots "
                    + $"between");
        foreach (var (peer, list) in repository.Peers.Select(p => (p, ".peers"))
            .Concat(repository.NotifyPeers.Select(p => (p, ".notify_peers"))))
        {
            if (!PeerSetting.TryParse(peer, out _))
                yield return (
                    place + list,
                    $"'{Secrets.RedactUrls(peer)}' is not the address of a Fossil server or a repository: http://…, "
                        + $"https://…, ssh://…, file:///… or /path");
        }

        if (repository.Pin is not null && repository.PinnedKey is null) yield return (place + ".pin", PinFault);
        if (repository.Pin is not null
            && repository.Peers.Append(repository.CloneFrom ?? "nats").Any(
                p => p != "nats" && !p.StartsWith("https:", StringComparison.Ordinal)))
            yield return (place + ".pin", "only https addresses have a key that can be pinned");
        if (repository.Poll < TimeSpan.FromMilliseconds(100)) yield return (place + ".poll", "at least 100ms");
        if (repository.CloneFrom is { } from && !PeerSetting.TryParse(from, out _) && from != "nats")
            yield return (
                place + ".clone_from", "an address (http://…, https://…, ssh://…, file:///… or /path), or nats");
        if (repository.CloneFrom == "nats" && !IsProjectCode(repository.ProjectCode))
            yield return (
                place + ".project_code", "a clone over NATS needs the project's code: 40 lower-case hex digits");
        if ((repository.Password ?? repository.PasswordFile) is not null && repository.User is null)
            yield return (place + ".user", "a password without a user (--user LOGIN)");
        if (repository.Watch is { Folder.Length: 0 }) yield return (place + ".watch.folder", "no folder");
        if (repository.NotifyPeers.Count > 0 && !repository.Notify)
            yield return (place + ".notify_peers", "messages have peers, but are not kept in sync (--notify)");
    }

    private static IEnumerable<(string, string)> OfDuplicates(List<RepositorySettings> repositories)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < repositories.Count; i++)
        {
            if (repositories[i].Path is { Length: > 0 } path && !seen.Add(NodePaths.RealPathOf(path)))
                yield return ($"repositories[{i}].path", $"{path} is named twice");
        }
    }

    private static IEnumerable<(string, string)> OfHub(HubSection hub)
    {
        if (hub.ProjectCode is { } code && !IsProjectCode(code))
            yield return ("hub.project_code", "40 lower-case hex digits");
        if (hub.Checkpoint < TimeSpan.FromSeconds(1)) yield return ("hub.checkpoint", "at least 1s");
        for (var i = 0; i < hub.Users.Count; i++)
        {
            if (hub.Users[i].Login.Length == 0) yield return ($"hub.users[{i}].login", "a user needs a login");
        }
    }

    private static IEnumerable<(string, string)> OfBridge(BridgeProject project, int index)
    {
        var place = $"bridge.projects[{index}]";
        if (!IsProjectCode(project.Code))
            yield return (place + ".code", "40 lower-case hex digits: 'edgesync repo info' prints them");
        if (!PeerUrl.TryParse(project.Url, out _))
            yield return (place + ".url", "the address of a Fossil server: http://… or https://…");
        if (!IsPrefix(project.Prefix)) yield return (place + ".prefix", $"'{project.Prefix}' cannot begin a subject");
        if (project.Probe != TimeSpan.Zero && project.Probe < TimeSpan.FromMilliseconds(50))
            yield return (place + ".probe", "at least 50ms, or 0s to disable");
    }

    private static bool IsToken(string text) =>
        text.Length is > 0 and <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static bool IsPrefix(string text) => text.Split('.').All(IsToken);
}
