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

    /// <summary>Whether that code was used for this repository already.</summary>
    public bool HasJoinedBy(JoinCode code) => IsJoined && File.ReadAllText(JoinedFile).Trim() == MarkOf(code);

    /// <summary>Stores the joined node's grant, and settings that use it.</summary>
    /// <param name="code">The code that was used.</param>
    /// <param name="host">The address that replied.</param>
    /// <param name="grant">The grant.</param>
    /// <param name="natsPassword">For its broker.</param>
    public void WriteJoined(JoinCode code, string host, JoinAnswer grant, string natsPassword)
    {
        PrivateFile.Write(In("password"), grant.Password + "\n");
        PrivateFile.Write(In("nats-password"), natsPassword + "\n");
        var pin = ServerPin.Format(code.ServerKey);
        var web = FreePort(WebPortUsual, IPAddress.Loopback);
        var server = $"https://{Authority(host, code.WebPort)}/";
        var settings = new JsonObject
        {
            ["http"] = new JsonObject { ["listen"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{web}") },
        };
        if (code.LeafPort is { } leaf)
        {
            var hosts = code.Hosts.OrderBy(h => h == host ? 0 : 1);
            settings["nats"] = new JsonObject
            {
                ["urls"] = new JsonArray([.. hosts.Select(h => (JsonNode)$"tls-leaf://{Authority(h, leaf)}")]),
                ["login"] = new JsonObject { ["user"] = grant.Login, ["password_file"] = In("nats-password") },
                ["tls"] = new JsonObject { ["pin"] = pin, ["first"] = true },
            };
        }

        settings["repositories"] = new JsonArray(new JsonObject
        {
            ["path"] = _repository,
            ["project_code"] = code.ProjectCode,
            ["clone_from"] = server,
            ["peers"] = new JsonArray(server),
            ["user"] = grant.Login,
            ["password_file"] = In("password"),
            ["pin"] = pin,
        });
        Write(settings);
        PrivateFile.Write(JoinedFile, MarkOf(code) + "\n");   // last: the mark of a complete join
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
