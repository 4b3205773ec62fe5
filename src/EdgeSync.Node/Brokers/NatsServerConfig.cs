using System.Globalization;
using System.Text;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// The configuration file of a supervised nats-server, written from our settings. It holds secrets: mode 0600.
/// </summary>
internal static class NatsServerConfig
{
    public const string PidFile = "nats-server.pid";

    public static string Write(
        NatsSection settings, NatsServerPorts ports, string name, string stateFolder, string internalUser,
        string? secret)
    {
        var store = settings.StoreDir ?? Path.Combine(stateFolder, "jetstream");
        var text = new StringBuilder("# Written by edgesync at every start: changes are lost.\n");
        text.Append(CultureInfo.InvariantCulture, $"server_name: {Quote(name)}\n");
        text.Append(CultureInfo.InvariantCulture, $"listen: {Quote($"{ports.Host}:{ports.Client}")}\n");
        text.Append(CultureInfo.InvariantCulture, $"http: {Quote($"127.0.0.1:{ports.Monitor}")}\n");
        text.Append(CultureInfo.InvariantCulture, $"pid_file: {Quote(Path.Combine(stateFolder, PidFile))}\n");
        text.Append(CultureInfo.InvariantCulture, $"max_payload: {settings.MaxPayload}\n");
        text.Append(CultureInfo.InvariantCulture, $"jetstream {{ store_dir: {Quote(store)} }}\n");
        if (TlsOf(settings.ServeTls) is { } tls) text.Append(CultureInfo.InvariantCulture, $"tls {tls}\n");
        if (secret is not null) AppendUsers(text, settings, internalUser, secret);
        if (ports.WebSocket is { } web)
            text.Append(
                CultureInfo.InvariantCulture,
                $"websocket {{ listen: {Quote($"{ports.Host}:{web}")}, "
                    + $"{(TlsOf(settings.ServeTls) is { } webTls ? $"tls: {webTls}" : "no_tls: true")}"
                    + $"{(settings.WebsocketCompression ? ", compression: true" : "")}"
                    + $"{OriginsOf(settings.WebsocketOrigins)} }}\n");
        AppendLeafnodes(text, settings, ports);
        return text.ToString();
    }

    // Without them nats-server takes every page; ours only those of the port itself, as the embedded broker does.
    private static string OriginsOf(List<string> origins) => origins.Count == 0
        ? ", same_origin: true"
        : $", allowed_origins: [{string.Join(", ", origins.Select(Quote))}]";

    private static void AppendLeafnodes(StringBuilder text, NatsSection settings, NatsServerPorts ports)
    {
        if (ports.Leaf is null && settings.AllRemotes.Count == 0) return;

        text.Append("leafnodes {\n");
        if (ports.Leaf is { } leaf)
        {
            text.Append(CultureInfo.InvariantCulture, $"  listen: {Quote($"{ports.Host}:{leaf}")}\n");
            if (TlsOf(settings.ServeTls) is { } tls) text.Append(CultureInfo.InvariantCulture, $"  tls {tls}\n");
        }

        if (settings.AllRemotes.Count > 0)
            text.Append(
                CultureInfo.InvariantCulture,
                $"  remotes: [ {string.Join(", ", settings.AllRemotes.Select(RemoteOf))} ]\n");
        text.Append("}\n");
    }

    private static string RemoteOf(NatsRemote remote)
    {
        var urls = string.Join(", ", remote.Urls.Select(url => Quote(UrlWithLogin(url, remote.Login))));
        var creds = remote.Login.CredsFile is { } file ? $", credentials: {Quote(Path.GetFullPath(file))}" : "";
        var tls = TlsOf(remote.Tls) is { } text ? $", tls: {text}" : "";
        return $"{{ urls: [ {urls} ]{creds}{tls} }}";
    }

    private static void AppendUsers(StringBuilder text, NatsSection settings, string internalUser, string secret)
    {
        text.Append("authorization { users: [\n");
        text.Append(CultureInfo.InvariantCulture, $"  {{ user: {Quote(internalUser)}, password: {Quote(secret)} }}\n");
        foreach (var user in settings.Users)
        {
            var who = user.Nkey is { } key
                ? $"nkey: {Quote(key)}"
                : $"user: {Quote(user.User!)}, password: "
                    + Quote(
                        Secrets.Read(user.Password, user.PasswordFile)
                        ?? throw new EdgeSyncException(
                            ErrorKind.Usage, $"the NATS user '{user.User}' needs a password",
                            "password_file in nats.users"));
            List<string> permissions = [];
            if (user.Publish is { } publish)
                permissions.Add($"publish: [ {string.Join(", ", publish.Select(Quote))} ]");
            if (user.Subscribe is { } subscribe)
                permissions.Add($"subscribe: [ {string.Join(", ", subscribe.Select(Quote))} ]");
            if (user.AllowResponses is { } count)
                permissions.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"allow_responses: {{ max: {count}, expires: "
                            + $"\"{(long)user.ResponsesExpire.TotalMilliseconds}ms\" }}"));
            text.Append(
                CultureInfo.InvariantCulture,
                $"  {{ {who}"
                    + $"{(permissions.Count > 0 ? $", permissions: {{ {string.Join(", ", permissions)} }}" : "")}"
                    + $" }}\n");
        }

        text.Append("] }\n");
    }

    private static string? TlsOf(NatsTls tls)
    {
        List<string> parts = [];
        if (tls.CertFile is { } cert) parts.Add($"cert_file: {Quote(Path.GetFullPath(cert))}");
        if (tls.KeyFile is { } key) parts.Add($"key_file: {Quote(Path.GetFullPath(key))}");
        if (tls.CaFile is { } ca) parts.Add($"ca_file: {Quote(Path.GetFullPath(ca))}");
        return parts.Count == 0 ? null : $"{{ {string.Join(", ", parts)} }}";
    }

    // Its scheme for a leafnode link is nats-leaf or tls, as ours.
    private static string UrlWithLogin(string url, NatsLogin login)
    {
        if (!NatsAddress.TryParse(url, out var address, out var fault))
            throw new EdgeSyncException(ErrorKind.Usage, fault);
        if (login.User is null || address.Url.UserInfo.Length > 0) return address.LeafUrl;

        var secret = Secrets.Read(login.Password, login.PasswordFile) ?? "";
        return $"{(address.Url.Scheme == "tls-leaf" ? "tls" : address.Url.Scheme)}://"
            + $"{Uri.EscapeDataString(login.User)}:{Uri.EscapeDataString(secret)}"
                + $"@{address.Url.Host}:{address.Url.Port}";
    }

    // None of these values may contain control characters, which would end the string.
    private static string Quote(string text) => text.Any(char.IsControl)
        ? throw new EdgeSyncException(ErrorKind.Usage, "a setting for nats-server holds a control character")
        : $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
