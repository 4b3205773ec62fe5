using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EdgeSync.Net;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Joining;

/// <summary>
/// What <c>edgesync up</c> and <c>edgesync join</c> keep of one repository, so that a restart is the same node again:
/// <code>
/// STATE/nodes/NAME-DIGITS/     DIGITS of the repository's full path
///   edgesync.json              settings, for `edgesync leaf --config`
///   node.pem, node.key         certificate and key that other machines know this node by (up)
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
        Name = $"{new string([.. System.IO.Path.GetFileNameWithoutExtension(_repository).Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')])}-{digits}";
        Path = System.IO.Path.Combine(NodePaths.StateFolder, "nodes", Name);
    }

    /// <summary>Unique on this machine; also the service's name.</summary>
    public string Name { get; }

    public string Path { get; }

    public string SettingsFile => In("edgesync.json");

    /// <summary>False before the first <c>up</c> or <c>join</c>.</summary>
    public bool Exists => File.Exists(SettingsFile);

    /// <summary>This machine joined another one's project.</summary>
    public bool IsJoined => File.Exists(JoinedFile);

    private string JoinedFile => In("joined");

    private string CertificateFile => In("node.pem");

    private string KeyFile => In("node.key");

    /// <summary>The pin of the node's key; null before <c>up</c>.</summary>
    public byte[]? ServerKey => File.Exists(CertificateFile) ? NodeKey.Ensure(CertificateFile, KeyFile) : null;

    /// <summary>Makes key and settings of a node that others can join: on the usual ports where they are free, else on others.</summary>
    public void PrepareUp()
    {
        if (Exists) return;

        NodeKey.Ensure(CertificateFile, KeyFile);
        var web = FreePort(WebPortUsual, IPAddress.Loopback);
        var secure = FreePort(SecurePortUsual, EveryAddress);
        var leaf = FreePort(LeafPortUsual, EveryAddress);
        Write(json =>
        {
            json.WriteStartObject("http");
            json.WriteString("listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{web}"));
            json.WriteString("tls_listen", string.Create(CultureInfo.InvariantCulture, $"*:{secure}"));
            json.WriteString("tls_cert", CertificateFile);
            json.WriteString("tls_key", KeyFile);
            json.WriteEndObject();
            json.WriteStartObject("nats");
            json.WriteString("bind", "*");
            json.WriteNumber("leaf_port", leaf);
            json.WriteBoolean("members", true);
            json.WriteStartObject("serve_tls");
            json.WriteString("cert_file", CertificateFile);
            json.WriteString("key_file", KeyFile);
            json.WriteBoolean("first", true);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartArray("repositories");
            json.WriteStartObject();
            json.WriteString("path", _repository);
            json.WriteEndObject();
            json.WriteEndArray();
        });
    }

    /// <summary>Whether that code was used for this repository already.</summary>
    public bool HasJoinedBy(JoinCode code) => IsJoined && File.ReadAllText(JoinedFile).Trim() == MarkOf(code);

    /// <summary>Keeps what the joined node gave, and settings that use it.</summary>
    /// <param name="code">The code that was used.</param>
    /// <param name="host">Where the node answered.</param>
    /// <param name="grant">What it gave.</param>
    /// <param name="natsPassword">For its broker.</param>
    public void WriteJoined(JoinCode code, string host, JoinAnswer grant, string natsPassword)
    {
        PrivateFile.Write(In("password"), grant.Password + "\n");
        PrivateFile.Write(In("nats-password"), natsPassword + "\n");
        var pin = ServerPin.Format(code.ServerKey);
        var web = FreePort(WebPortUsual, IPAddress.Loopback);
        var server = $"https://{Authority(host, code.WebPort)}/";
        Write(json =>
        {
            json.WriteStartObject("http");
            json.WriteString("listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{web}"));
            json.WriteEndObject();
            if (code.LeafPort is { } leaf)
            {
                json.WriteStartObject("nats");
                json.WriteStartArray("urls");
                foreach (var one in code.Hosts.OrderBy(h => h == host ? 0 : 1)) json.WriteStringValue($"tls-leaf://{Authority(one, leaf)}");
                json.WriteEndArray();
                json.WriteStartObject("login");
                json.WriteString("user", grant.Login);
                json.WriteString("password_file", In("nats-password"));
                json.WriteEndObject();
                json.WriteStartObject("tls");
                json.WriteString("pin", pin);
                json.WriteBoolean("first", true);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteStartArray("repositories");
            json.WriteStartObject();
            json.WriteString("path", _repository);
            json.WriteString("project_code", code.ProjectCode);
            json.WriteString("clone_from", server);
            json.WriteStartArray("peers");
            json.WriteStringValue(server);
            json.WriteEndArray();
            json.WriteString("user", grant.Login);
            json.WriteString("password_file", In("password"));
            json.WriteString("pin", pin);
            json.WriteEndObject();
            json.WriteEndArray();
        });
        PrivateFile.Write(JoinedFile, MarkOf(code) + "\n");   // last: what it stands for is whole
    }

    internal static string Authority(string host, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}");

    private static IPAddress EveryAddress => Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;

    private static string MarkOf(JoinCode code) => Convert.ToHexStringLower(SHA256.HashData(code.Token));

    private string In(string file) => System.IO.Path.Combine(Path, file);

    private void Write(Action<Utf8JsonWriter> fill)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            fill(json);
            json.WriteEndObject();
        }

        PrivateFile.Write(SettingsFile, Encoding.UTF8.GetString(buffer.ToArray()) + "\n");
    }

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
