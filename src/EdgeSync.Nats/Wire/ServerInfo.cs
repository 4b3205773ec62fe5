using System.Buffers;
using System.Text.Json.Serialization;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Wire;

/// <summary>
/// The fields that a server sends in INFO, to clients and over leaf links. Absent fields keep their default.
/// </summary>
public sealed record ServerInfo
{
    [JsonPropertyName("server_id")]
    public string ServerId { get; init; } = "";

    [JsonPropertyName("server_name")]
    public string ServerName { get; init; } = "";

    [JsonPropertyName("version")]
    public string Version { get; init; } = "";

    /// <summary>1: the server supports <c>echo</c> and may send INFO at any time.</summary>
    [JsonPropertyName("proto")]
    public int ProtocolVersion { get; init; } = 1;

    [JsonPropertyName("git_commit")]
    public string GitCommit { get; init; } = "";

    /// <summary>The runtime that the server names; ours is .NET.</summary>
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

    /// <summary>The server requires a client certificate.</summary>
    [JsonPropertyName("tls_verify")]
    public bool TlsVerify { get; init; }

    [JsonPropertyName("tls_available")]
    public bool TlsAvailable { get; init; }

    /// <summary>Of header block and body together; 0 when the server did not send it.</summary>
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

    /// <summary>The server is about to close: connect elsewhere.</summary>
    [JsonPropertyName("ldm")]
    public bool LameDuckMode { get; init; }

    /// <summary>Of leaf links, from 2.10 on; empty keeps them plain.</summary>
    [JsonPropertyName("compression")]
    public string Compression { get; init; } = "";

    /// <summary>Leaf links: a second INFO will reply to CONNECT.</summary>
    [JsonPropertyName("info_on_connect")]
    public bool InfoOnConnect { get; init; }

    /// <summary>This INFO replies to CONNECT.</summary>
    [JsonPropertyName("connect_info")]
    public bool ConnectInfo { get; init; }

    [JsonPropertyName("remote_account")]
    public string RemoteAccount { get; init; } = "";

    /// <summary>Leaf links: the subjects that the leaf may receive.</summary>
    [JsonPropertyName("import")]
    public SubjectPermission? Import { get; init; }

    /// <summary>Leaf links: the subjects that the leaf may publish.</summary>
    [JsonPropertyName("export")]
    public SubjectPermission? Export { get; init; }

    /// <summary>
    /// Leaf links: where leaves may connect. An empty list is written too, null is not: a real leaf requires the field.
    /// </summary>
    [JsonPropertyName("leafnode_urls")]
    public IReadOnlyList<string>? LeafnodeUrls { get; init; }

    /// <summary>
    /// Unknown fields are skipped. False when this is not a JSON object or a field has the wrong type.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> json, out ServerInfo info) =>
        BoundaryJson.TryRead(json, new ServerInfo(), WireContext.Default.ServerInfo, out info);

    /// <summary>False booleans and empty lists are omitted, as in nats-server.</summary>
    public void WriteJson(IBufferWriter<byte> output) => WireJson.Write(output, this);
}
