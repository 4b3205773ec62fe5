using System.Buffers;
using System.Text.Json;

namespace EdgeSync.Nats.Wire;

/// <summary>What a server tells about itself in INFO, to clients and over leaf links. Fields that are absent keep their default.</summary>
public sealed record ServerInfo
{
    private string _serverId = "";
    private string _serverName = "";
    private string _version = "";
    private int _protocolVersion = 1;
    private string _gitCommit = "";
    private string _goVersion = "";
    private string _host = "";
    private int _port;
    private bool _headersSupported;
    private bool _authRequired;
    private bool _tlsRequired;
    private bool _tlsVerify;
    private bool _tlsAvailable;
    private int _maxPayload;
    private bool _jetStreamAvailable;
    private string _ip = "";
    private long _clientId;
    private string _clientIp = "";
    private string _nonce = "";
    private string _cluster = "";
    private string _domain = "";
    private IReadOnlyList<string> _clientConnectUrls = [];
    private IReadOnlyList<string> _webSocketConnectUrls = [];
    private bool _lameDuckMode;
    private string _compression = "";
    private bool _infoOnConnect;
    private bool _connectInfo;
    private string _remoteAccount = "";
    private SubjectPermission? _import;
    private SubjectPermission? _export;
    private IReadOnlyList<string>? _leafnodeUrls;

    public string ServerId { get => _serverId; init => _serverId = value; }

    public string ServerName { get => _serverName; init => _serverName = value; }

    public string Version { get => _version; init => _version = value; }

    /// <summary>1: the server takes <c>echo</c> and may send INFO at any time.</summary>
    public int ProtocolVersion { get => _protocolVersion; init => _protocolVersion = value; }

    public string GitCommit { get => _gitCommit; init => _gitCommit = value; }

    /// <summary>The run time that the server names; ours says .NET.</summary>
    public string GoVersion { get => _goVersion; init => _goVersion = value; }

    public string Host { get => _host; init => _host = value; }

    public int Port { get => _port; init => _port = value; }

    public bool HeadersSupported { get => _headersSupported; init => _headersSupported = value; }

    public bool AuthRequired { get => _authRequired; init => _authRequired = value; }

    public bool TlsRequired { get => _tlsRequired; init => _tlsRequired = value; }

    /// <summary>The server wants a certificate of the client.</summary>
    public bool TlsVerify { get => _tlsVerify; init => _tlsVerify = value; }

    public bool TlsAvailable { get => _tlsAvailable; init => _tlsAvailable = value; }

    /// <summary>Of header block and body together; 0 when the server did not say.</summary>
    public int MaxPayload { get => _maxPayload; init => _maxPayload = value; }

    public bool JetStreamAvailable { get => _jetStreamAvailable; init => _jetStreamAvailable = value; }

    public string Ip { get => _ip; init => _ip = value; }

    public long ClientId { get => _clientId; init => _clientId = value; }

    public string ClientIp { get => _clientIp; init => _clientIp = value; }

    /// <summary>To be signed by an nkey.</summary>
    public string Nonce { get => _nonce; init => _nonce = value; }

    public string Cluster { get => _cluster; init => _cluster = value; }

    /// <summary>Of JetStream.</summary>
    public string Domain { get => _domain; init => _domain = value; }

    /// <summary>Further servers, as host:port.</summary>
    public IReadOnlyList<string> ClientConnectUrls { get => _clientConnectUrls; init => _clientConnectUrls = value; }

    public IReadOnlyList<string> WebSocketConnectUrls { get => _webSocketConnectUrls; init => _webSocketConnectUrls = value; }

    /// <summary>The server is about to close: go elsewhere.</summary>
    public bool LameDuckMode { get => _lameDuckMode; init => _lameDuckMode = value; }

    /// <summary>Of leaf links, from 2.10 on; empty keeps them plain.</summary>
    public string Compression { get => _compression; init => _compression = value; }

    /// <summary>Leaf links: a second INFO will answer CONNECT.</summary>
    public bool InfoOnConnect { get => _infoOnConnect; init => _infoOnConnect = value; }

    /// <summary>This INFO answers CONNECT.</summary>
    public bool ConnectInfo { get => _connectInfo; init => _connectInfo = value; }

    public string RemoteAccount { get => _remoteAccount; init => _remoteAccount = value; }

    /// <summary>Leaf links: what the leaf may receive.</summary>
    public SubjectPermission? Import { get => _import; init => _import = value; }

    /// <summary>Leaf links: what the leaf may publish.</summary>
    public SubjectPermission? Export { get => _export; init => _export = value; }

    /// <summary>Leaf links: where leaves may connect. An empty list is written too, null is not: a real leaf wants to see the field.</summary>
    public IReadOnlyList<string>? LeafnodeUrls { get => _leafnodeUrls; init => _leafnodeUrls = value; }

    /// <summary>Fields that we do not know are skipped. False when this is no JSON object or a field has the wrong type.</summary>
    public static bool TryParse(ReadOnlySpan<byte> json, out ServerInfo info)
    {
        info = new ServerInfo();
        return JsonFields.TryRead(json, info, ReadField);
    }

    /// <summary>Booleans that are false and lists that are empty are left out, as servers do.</summary>
    public void WriteJson(IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, JsonFields.WriterOptions);
        writer.WriteStartObject();
        writer.WriteString("server_id"u8, ServerId);
        writer.WriteString("server_name"u8, ServerName);
        writer.WriteString("version"u8, Version);
        writer.WriteNumber("proto"u8, ProtocolVersion);
        JsonFields.WriteText(writer, "git_commit"u8, GitCommit);
        JsonFields.WriteText(writer, "go"u8, GoVersion);
        writer.WriteString("host"u8, Host);
        writer.WriteNumber("port"u8, Port);
        writer.WriteBoolean("headers"u8, HeadersSupported);
        JsonFields.WriteFlag(writer, "auth_required"u8, AuthRequired);
        JsonFields.WriteFlag(writer, "tls_required"u8, TlsRequired);
        JsonFields.WriteFlag(writer, "tls_verify"u8, TlsVerify);
        JsonFields.WriteFlag(writer, "tls_available"u8, TlsAvailable);
        writer.WriteNumber("max_payload"u8, MaxPayload);
        JsonFields.WriteFlag(writer, "jetstream"u8, JetStreamAvailable);
        JsonFields.WriteText(writer, "ip"u8, Ip);
        JsonFields.WriteNumber(writer, "client_id"u8, ClientId);
        JsonFields.WriteText(writer, "client_ip"u8, ClientIp);
        JsonFields.WriteText(writer, "nonce"u8, Nonce);
        JsonFields.WriteText(writer, "cluster"u8, Cluster);
        JsonFields.WriteText(writer, "domain"u8, Domain);
        JsonFields.WriteTexts(writer, "connect_urls"u8, ClientConnectUrls);
        JsonFields.WriteTexts(writer, "ws_connect_urls"u8, WebSocketConnectUrls);
        JsonFields.WriteFlag(writer, "ldm"u8, LameDuckMode);
        JsonFields.WriteText(writer, "compression"u8, Compression);
        JsonFields.WriteFlag(writer, "info_on_connect"u8, InfoOnConnect);
        JsonFields.WriteFlag(writer, "connect_info"u8, ConnectInfo);
        JsonFields.WriteText(writer, "remote_account"u8, RemoteAccount);
        SubjectPermission.Write(writer, "import"u8, Import);
        SubjectPermission.Write(writer, "export"u8, Export);
        if (LeafnodeUrls is not null) WriteLeafnodeUrls(writer, LeafnodeUrls);
        writer.WriteEndObject();
        writer.Flush();
    }

    private static void WriteLeafnodeUrls(Utf8JsonWriter writer, IReadOnlyList<string> urls)
    {
        writer.WriteStartArray("leafnode_urls"u8);
        foreach (var url in urls) writer.WriteStringValue(url);
        writer.WriteEndArray();
    }

    private static bool ReadField(ref Utf8JsonReader reader, ServerInfo target)
    {
        if (reader.ValueTextEquals("server_id"u8)) return JsonFields.TryText(ref reader, ref target._serverId);
        if (reader.ValueTextEquals("server_name"u8)) return JsonFields.TryText(ref reader, ref target._serverName);
        if (reader.ValueTextEquals("version"u8)) return JsonFields.TryText(ref reader, ref target._version);
        if (reader.ValueTextEquals("proto"u8)) return JsonFields.TryNumber(ref reader, ref target._protocolVersion);
        if (reader.ValueTextEquals("git_commit"u8)) return JsonFields.TryText(ref reader, ref target._gitCommit);
        if (reader.ValueTextEquals("go"u8)) return JsonFields.TryText(ref reader, ref target._goVersion);
        if (reader.ValueTextEquals("host"u8)) return JsonFields.TryText(ref reader, ref target._host);
        if (reader.ValueTextEquals("port"u8)) return JsonFields.TryNumber(ref reader, ref target._port);
        if (reader.ValueTextEquals("headers"u8)) return JsonFields.TryFlag(ref reader, ref target._headersSupported);
        if (reader.ValueTextEquals("auth_required"u8)) return JsonFields.TryFlag(ref reader, ref target._authRequired);
        if (reader.ValueTextEquals("tls_required"u8)) return JsonFields.TryFlag(ref reader, ref target._tlsRequired);
        if (reader.ValueTextEquals("tls_verify"u8)) return JsonFields.TryFlag(ref reader, ref target._tlsVerify);
        if (reader.ValueTextEquals("tls_available"u8)) return JsonFields.TryFlag(ref reader, ref target._tlsAvailable);
        if (reader.ValueTextEquals("max_payload"u8)) return JsonFields.TryNumber(ref reader, ref target._maxPayload);
        if (reader.ValueTextEquals("jetstream"u8)) return JsonFields.TryFlag(ref reader, ref target._jetStreamAvailable);
        if (reader.ValueTextEquals("ip"u8)) return JsonFields.TryText(ref reader, ref target._ip);
        if (reader.ValueTextEquals("client_id"u8)) return JsonFields.TryNumber(ref reader, ref target._clientId);
        if (reader.ValueTextEquals("client_ip"u8)) return JsonFields.TryText(ref reader, ref target._clientIp);
        if (reader.ValueTextEquals("nonce"u8)) return JsonFields.TryText(ref reader, ref target._nonce);
        if (reader.ValueTextEquals("cluster"u8)) return JsonFields.TryText(ref reader, ref target._cluster);
        if (reader.ValueTextEquals("domain"u8)) return JsonFields.TryText(ref reader, ref target._domain);
        if (reader.ValueTextEquals("connect_urls"u8)) return JsonFields.TryTexts(ref reader, ref target._clientConnectUrls);
        if (reader.ValueTextEquals("ws_connect_urls"u8)) return JsonFields.TryTexts(ref reader, ref target._webSocketConnectUrls);
        if (reader.ValueTextEquals("ldm"u8)) return JsonFields.TryFlag(ref reader, ref target._lameDuckMode);
        if (reader.ValueTextEquals("compression"u8)) return JsonFields.TryText(ref reader, ref target._compression);
        if (reader.ValueTextEquals("info_on_connect"u8)) return JsonFields.TryFlag(ref reader, ref target._infoOnConnect);
        if (reader.ValueTextEquals("connect_info"u8)) return JsonFields.TryFlag(ref reader, ref target._connectInfo);
        if (reader.ValueTextEquals("remote_account"u8)) return JsonFields.TryText(ref reader, ref target._remoteAccount);
        if (reader.ValueTextEquals("import"u8)) return SubjectPermission.TryRead(ref reader, ref target._import);
        if (reader.ValueTextEquals("export"u8)) return SubjectPermission.TryRead(ref reader, ref target._export);
        if (!reader.ValueTextEquals("leafnode_urls"u8)) return JsonFields.Skip(ref reader);

        IReadOnlyList<string> urls = [];
        var isList = JsonFields.TryTexts(ref reader, ref urls);
        target._leafnodeUrls = urls;
        return isList;
    }
}
