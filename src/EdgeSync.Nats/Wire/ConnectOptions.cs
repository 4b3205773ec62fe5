using System.Buffers;
using System.Text.Json.Serialization;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Wire;

/// <summary>
/// The fields that a client or a soliciting leaf sends in CONNECT. The defaults are those of our own client.
/// </summary>
public sealed record ConnectOptions
{
    /// <summary>Reply to everything with +OK. A server treats absent as true, so ours is always written.</summary>
    [JsonPropertyName("verbose")]
    public bool Verbose { get; init; }

    [JsonPropertyName("pedantic")]
    public bool Pedantic { get; init; }

    [JsonPropertyName("tls_required")]
    public bool TlsRequired { get; init; }

    [JsonPropertyName("auth_token")]
    public string AuthToken { get; init; } = "";

    [JsonPropertyName("user")]
    public string User { get; init; } = "";

    [JsonPropertyName("pass")]
    public string Password { get; init; } = "";

    /// <summary>Public key, in its text form.</summary>
    [JsonPropertyName("nkey")]
    public string Nkey { get; init; } = "";

    [JsonPropertyName("jwt")]
    public string Jwt { get; init; } = "";

    /// <summary>Of the nonce, base64url.</summary>
    [JsonPropertyName("sig")]
    public string Signature { get; init; } = "";

    [JsonPropertyName("name")]
    public string Name { get; init; } = "";

    /// <summary>Empty marks a leaf.</summary>
    [JsonPropertyName("lang")]
    public string Language { get; init; } = "";

    [JsonPropertyName("version")]
    public string Version { get; init; } = "";

    [JsonPropertyName("protocol")]
    public int ProtocolVersion { get; init; }

    /// <summary>Own messages are delivered to own subscriptions.</summary>
    [JsonPropertyName("echo")]
    public bool Echo { get; init; } = true;

    [JsonPropertyName("headers")]
    public bool Headers { get; init; }

    [JsonPropertyName("no_responders")]
    public bool NoResponders { get; init; }

    /// <summary>From here on: leaf links.</summary>
    [JsonPropertyName("server_id")]
    public string ServerId { get; init; } = "";

    [JsonPropertyName("cluster")]
    public string Cluster { get; init; } = "";

    [JsonPropertyName("jetstream")]
    public bool JetStream { get; init; }

    [JsonPropertyName("domain")]
    public string Domain { get; init; } = "";

    /// <summary>The soliciting side wants to be the hub.</summary>
    [JsonPropertyName("is_hub")]
    public bool IsHub { get; init; }

    /// <summary>Subjects that must not be sent to the leaf.</summary>
    [JsonPropertyName("deny_pub")]
    public IReadOnlyList<string> DenyPublish { get; init; } = [];

    [JsonPropertyName("compress_mode")]
    public string CompressMode { get; init; } = "";

    /// <summary>Name of the account at the leaf.</summary>
    [JsonPropertyName("remote_account")]
    public string RemoteAccount { get; init; } = "";

    /// <summary>Request the hub not to announce the interest of other leaves.</summary>
    [JsonPropertyName("isolate")]
    public bool Isolate { get; init; }

    /// <summary>Only to reject a client on the wrong port.</summary>
    [JsonPropertyName("gateway")]
    public string Gateway { get; init; } = "";

    /// <summary>A leaf, not a client: it has no language.</summary>
    [JsonIgnore]
    public bool IsLeaf => Language.Length == 0;

    /// <summary>
    /// A server's defaults before CONNECT and for omitted fields: verbose, pedantic and echo are on.
    /// </summary>
    public static ConnectOptions ServerDefaults { get; } = new() { Verbose = true, Pedantic = true };

    /// <summary>
    /// Reads CONNECT over earlier values, for it may be repeated: fields given are overwritten. False when this is not
    /// a JSON object or a field has the wrong type.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> json, ConnectOptions before, out ConnectOptions options) =>
        BoundaryJson.TryRead(json, before, WireContext.Default.ConnectOptions, out options);

    public void WriteJson(IBufferWriter<byte> output) => WireJson.Write(output, this);
}
