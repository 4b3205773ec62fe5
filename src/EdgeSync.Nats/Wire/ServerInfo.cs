using System.Buffers;
using System.Text.Json.Serialization;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Wire;

/// <summary>
/// What a server tells about itself in INFO, to clients and over leaf links. Fields that are absent keep their default.
/// </summary>
public sealed record ServerInfo
{
    [JsonPropertyName("server_id")]
    public string ServerId { get; init; } = "";

    [JsonPropertyName("server_name")]
    public string ServerName { get; init; } = "";

    [JsonPropertyName("version")]
    public string Version { get; init; } = "";

    /// <summary>1: the server takes <c>echo</c> and may send INFO at any time.</summary>
    [JsonPropertyName("proto")]
    public int ProtocolVersion { get; init; } = 1;

    [JsonPropertyName("git_commit")]
    public string GitCommit { get; init; } = "";

    /// <summary>The run time that the server names; ours says .NET.</summary>
    [JsonPropertyName("go")]
    public string GoVersion { get; init; } = "";

    [JsonPropertyName("host")]
    public string Host { get; init; } = "";

    [JsonPropertyName("port")]
    public int Port { get; init; }

    [JsonPropertyName("headers")]
    public bool HeadersSupported { get; init; }

    [JsonPropertyName("auth_required")]
    public bool AuthRequired { get; init; }

    [JsonPropertyName("tls_required")]
    public bool TlsRequired { get; init; }

    /// <summary>The server wants a certificate of the client.</summary>
    [JsonPropertyName("tls_verify")]
    public bool TlsVerify { get; init; }

    [JsonPropertyName("tls_available")]
    public bool TlsAvailable { get; init; }

    /// <summary>Of header block and body together; 0 when the server did not say.</summary>
    [JsonPropertyName("max_payload")]
    public int MaxPayload { get; init; }

    [JsonPropertyName("jetstream")]
    public bool JetStreamAvailable { get; init; }

    [JsonPropertyName("ip")]
    public string Ip { get; init; } = "";

    [JsonPropertyName("client_id")]
    public long ClientId { get; init; }

    [JsonPropertyName("client_ip")]
    public string ClientIp { get; init; } = "";

    /// <summary>To be signed by an nkey.</summary>
    [JsonPropertyName("nonce")]
    public string Nonce { get; init; } = "";

    [JsonPropertyName("cluster")]
    public string Cluster { get; init; } = "";

    /// <summary>Of JetStream.</summary>
    [JsonPropertyName("domain")]
    public string Domain { get; init; } = "";

    /// <summary>Further servers, as host:port.</summary>
    [JsonPropertyName("connect_urls")]
    public IReadOnlyList<string> ClientConnectUrls { get; init; } = [];

    [JsonPropertyName("ws_connect_urls")]
    public IReadOnlyList<string> WebSocketConnectUrls { get; init; } = [];

    /// <summary>The server is about to close: go elsewhere.</summary>
    [JsonPropertyName("ldm")]
    public bool LameDuckMode { get; init; }

    /// <summary>Of leaf links, from 2.10 on; empty keeps them plain.</summary>
    [JsonPropertyName("compression")]
    public string Compression { get; init; } = "";

    /// <summary>Leaf links: a second INFO will answer CONNECT.</summary>
    [JsonPropertyName("info_on_connect")]
    public bool InfoOnConnect { get; init; }

    /// <summary>This INFO answers CONNECT.</summary>
    [JsonPropertyName("connect_info")]
    public bool ConnectInfo { get; init; }

    [JsonPropertyName("remote_account")]
    public string RemoteAccount { get; init; } = "";

    /// <summary>Leaf links: what the leaf may receive.</summary>
    [JsonPropertyName("import")]
    public SubjectPermission? Import { get; init; }

    /// <summary>Leaf links: what the leaf may publish.</summary>
    [JsonPropertyName("export")]
    public SubjectPermission? Export { get; init; }

    /// <summary>
    /// Leaf links: where leaves may connect. An empty list is written too, null is not: a real leaf wants to see the
    /// field.
    /// </summary>
    [JsonPropertyName("leafnode_urls")]
    public IReadOnlyList<string>? LeafnodeUrls { get; init; }

    /// <summary>
    /// Fields that we do not know are skipped. False when this is no JSON object or a field has the wrong type.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> json, out ServerInfo info) =>
        BoundaryJson.TryRead(json, new ServerInfo(), WireContext.Default.ServerInfo, out info);

    /// <summary>Booleans that are false and lists that are empty are left out, as servers do.</summary>
    public void WriteJson(IBufferWriter<byte> output) => WireJson.Write(output, this);
}
