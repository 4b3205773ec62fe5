using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeSync.Net;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Joining;

/// <summary>
/// The files of <c>edgesync up</c> and <c>edgesync join</c> for one repository, so that a restart is the same node
/// again:
/// <code>
/// STATE/nodes/NAME-DIGITS/     DIGITS of the repository's full path
///   edgesync.json              settings, for `edgesync leaf --config`
///   node.pem, node.key         certificate and key that identify this node (up)
///   endpoint.key               key of its iroh endpoint (up --iroh, join)
///   password, nats-password    of this machine on the node that it joined (join)
///   joined                     SHA-256 of the code that was used (join)
/// </code>
/// </summary>
internal sealed class NodeFolder
{
    private const int WebPortUsual = 8080;
    private const int SecurePortUsual = 8443;
    private const int LeafPortUsual = 7422;

    private readonly string _repository;

    public NodeFolder(string repository)
    {
        _repository = NodePaths.RealPathOf(repository);
        var digits = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_repository)))[..8];
        var name = System.IO.Path.GetFileNameWithoutExtension(_repository);
        Name = $"{new string([.. name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')])}-{digits}";
        Path = System.IO.Path.Combine(NodePaths.StateFolder, "nodes", Name);
    }

    /// <summary>Unique on this machine; also the service's name.</summary>
    public string Name { get; }

    public string Path { get; }

    public string SettingsFile => In("edgesync.json");

    /// <summary>False before the first <c>up</c> or <c>join</c>.</summary>
    public bool Exists => File.Exists(SettingsFile);

    /// <summary>This machine joined another machine's project.</summary>
    public bool IsJoined => File.Exists(JoinedFile);

    /// <summary>The secret key of this node's iroh endpoint.</summary>
    public string EndpointKeyFile => In("endpoint.key");

    private string JoinedFile => In("joined");

    private string CertificateFile => In("node.pem");

    private string KeyFile => In("node.key");

    /// <summary>The pin of the node's key; null before <c>up</c>.</summary>
    public byte[]? ServerKey => File.Exists(CertificateFile) ? NodeKey.Ensure(CertificateFile, KeyFile) : null;

    /// <summary>
    /// Creates key and settings of a node that others can join: on the default ports where they are free, else on
    /// others.
    /// </summary>
    public void PrepareUp()
    {
        if (Exists) return;

        NodeKey.Ensure(CertificateFile, KeyFile);
        var web = FreePort(WebPortUsual, IPAddress.Loopback);
        var secure = FreePort(SecurePortUsual, EveryAddress);
        var leaf = FreePort(LeafPortUsual, EveryAddress);
        Write(new JsonObject
        {
            ["http"] = new JsonObject
            {
                ["listen"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{web}"),
                ["tls_listen"] = string.Create(CultureInfo.InvariantCulture, $"*:{secure}"),
                ["tls_cert"] = CertificateFile,
                ["tls_key"] = KeyFile,
            },
            ["nats"] = new JsonObject
            {
                ["role"] = "hub",   // a machine that joins has a login here, and at no other joined machine
                ["bind"] = "*",
                ["leaf_port"] = leaf,
                ["members"] = true,
                ["serve_tls"] = new JsonObject
                {
                    ["cert_file"] = CertificateFile,
                    ["key_file"] = KeyFile,
                    ["first"] = true
                },
            },
            ["repositories"] = new JsonArray(new JsonObject { ["path"] = _repository }),
        });
    }

    /// <summary>Turns the iroh endpoint on, in the settings that exist.</summary>
    /// <param name="given">Its relays and services are kept in the settings.</param>
    public void EnableIroh(IrohSection given)
    {
        var settings = ReadOrCreate();
        if (settings["iroh"]?["enabled"]?.GetValue<bool>() == true) return;

        var iroh = EndpointSection(settings, given);
        iroh["bind"] = string.Create(CultureInfo.InvariantCulture, $"*:{FreeUdpPort()}");
        Write(settings);
    }

    /// <summary>Whether that code was used for this repository already.</summary>
    public bool HasJoinedBy(JoinCode code) => IsJoined && File.ReadAllText(JoinedFile).Trim() == MarkOf(code);

    /// <summary>Stores the joined node's grant, and settings that use it; other settings stay as they are.</summary>
    /// <param name="code">The code that was used.</param>
    /// <param name="host">The address that replied; null: the node was joined over iroh.</param>
    /// <param name="grant">The grant.</param>
    /// <param name="natsPassword">For its broker.</param>
    /// <param name="given">Relays and services of the iroh endpoint, if the code has a ticket.</param>
    public void WriteJoined(
        JoinCode code, string? host, JoinAnswer grant, string natsPassword, IrohSection given)
    {
        PrivateFile.Write(In("password"), grant.Password + "\n");
        PrivateFile.Write(In("nats-password"), natsPassword + "\n");
        var pin = ServerPin.Format(code.ServerKey);
        var settings = ReadOrCreate();
        if (code.Ticket is { } ticket) EndpointSection(settings, given)["peers"] = new JsonArray(ticket);
        if (host is not null && code.LeafPort is { } leaf)
        {
            var hosts = code.Hosts.OrderBy(h => h == host ? 0 : 1);
            var nats = Section(settings, "nats");
            nats["urls"] = new JsonArray([.. hosts.Select(h => (JsonNode)$"tls-leaf://{Authority(h, leaf)}")]);
            nats["login"] = new JsonObject { ["user"] = grant.Login, ["password_file"] = In("nats-password") };
            nats["tls"] = new JsonObject { ["pin"] = pin, ["first"] = true };
        }

        if (settings["repositories"] is not JsonArray { Count: 1 })
            settings["repositories"] = new JsonArray(new JsonObject());
        var repository = settings["repositories"]![0]!.AsObject();
        repository["path"] = _repository;
        repository["project_code"] = code.ProjectCode;
        if (host is null)
        {
            repository["clone_from"] = $"iroh:{code.Ticket}";
        }
        else
        {
            var server = $"https://{Authority(host, code.WebPort)}/";
            repository["clone_from"] = server;
            repository["peers"] = new JsonArray(server);
            repository["user"] = grant.Login;
            repository["password_file"] = In("password");
            repository["pin"] = pin;
        }

        Write(settings);
        PrivateFile.Write(JoinedFile, MarkOf(code) + "\n");   // last: the mark of a complete join
    }

    private JsonObject EndpointSection(JsonObject settings, IrohSection given)
    {
        var iroh = Section(settings, "iroh");
        iroh["enabled"] = true;
        iroh["key_file"] = EndpointKeyFile;
        if (given.Discovery != new IrohSection().Discovery)
            iroh["discovery"] = SettingShape.WordOf(given.Discovery.ToString());
        Put(iroh, "relays", given.Relays);
        Put(iroh, "pkarr", given.Pkarr);
        Put(iroh, "dns_origins", given.DnsOrigins);
        if (given.RelayTokenFile is { } token) iroh["relay_token_file"] = System.IO.Path.GetFullPath(token);
        return iroh;
    }

    private static void Put(JsonObject section, string name, List<string> values)
    {
        if (values.Count > 0) section[name] = new JsonArray([.. values.Select(v => (JsonNode)v)]);
    }

    private JsonObject ReadOrCreate()
    {
        if (Exists)
        {
            var options = new JsonDocumentOptions
            {
                CommentHandling = JsonCommentHandling.Skip,
                AllowTrailingCommas = true,
            };
            return JsonNode.Parse(File.ReadAllText(SettingsFile), documentOptions: options)!.AsObject();
        }

        var web = FreePort(WebPortUsual, IPAddress.Loopback);
        return new JsonObject
        {
            ["http"] = new JsonObject { ["listen"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{web}") },
        };
    }

    private static JsonObject Section(JsonObject settings, string name)
    {
        if (settings[name] is JsonObject present) return present;

        var section = new JsonObject();
        settings[name] = section;
        return section;
    }

    internal static string Authority(string host, int port) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}");

    private static IPAddress EveryAddress => Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;

    private static string MarkOf(JoinCode code) => Convert.ToHexStringLower(SHA256.HashData(code.Token));

    private string In(string file) => System.IO.Path.Combine(Path, file);

    private void Write(JsonObject settings) =>
        PrivateFile.Write(
            SettingsFile, settings.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");

    private static int FreePort(int usual, IPAddress address) => TryBind(usual, address) ?? TryBind(0, address)
        ?? throw new EdgeSyncException(ErrorKind.System, $"no port is free on {address}", "edgesync doctor");

    // A fixed one, so that a ticket holds over restarts.
    private static int FreeUdpPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static int? TryBind(int port, IPAddress address)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(1);
            return ((IPEndPoint)socket.LocalEndPoint!).Port;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
