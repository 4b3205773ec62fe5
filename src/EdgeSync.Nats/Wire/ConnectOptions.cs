using System.Buffers;
using System.Text.Json;

namespace EdgeSync.Nats.Wire;

/// <summary>What a client or a soliciting leaf tells about itself in CONNECT. The defaults are those of our own client.</summary>
public sealed record ConnectOptions
{
    private bool _verbose;
    private bool _pedantic;
    private bool _tlsRequired;
    private string _authToken = "";
    private string _user = "";
    private string _password = "";
    private string _nkey = "";
    private string _jwt = "";
    private string _signature = "";
    private string _name = "";
    private string _language = "";
    private string _version = "";
    private int _protocolVersion;
    private bool _echo = true;
    private bool _headers;
    private bool _noResponders;
    private string _serverId = "";
    private string _cluster = "";
    private bool _jetStream;
    private string _domain = "";
    private bool _isHub;
    private IReadOnlyList<string> _denyPublish = [];
    private string _compressMode = "";
    private string _remoteAccount = "";
    private bool _isolate;
    private string _gateway = "";

    /// <summary>Answer everything with +OK. A server takes absent for true, so ours is always written.</summary>
    public bool Verbose { get => _verbose; init => _verbose = value; }

    public bool Pedantic { get => _pedantic; init => _pedantic = value; }

    public bool TlsRequired { get => _tlsRequired; init => _tlsRequired = value; }

    public string AuthToken { get => _authToken; init => _authToken = value; }

    public string User { get => _user; init => _user = value; }

    public string Password { get => _password; init => _password = value; }

    /// <summary>Public key, in its text form.</summary>
    public string Nkey { get => _nkey; init => _nkey = value; }

    public string Jwt { get => _jwt; init => _jwt = value; }

    /// <summary>Of the nonce, base64url.</summary>
    public string Signature { get => _signature; init => _signature = value; }

    public string Name { get => _name; init => _name = value; }

    /// <summary>Empty tells a leaf from a client.</summary>
    public string Language { get => _language; init => _language = value; }

    public string Version { get => _version; init => _version = value; }

    public int ProtocolVersion { get => _protocolVersion; init => _protocolVersion = value; }

    /// <summary>Own messages come back to own subscriptions.</summary>
    public bool Echo { get => _echo; init => _echo = value; }

    public bool Headers { get => _headers; init => _headers = value; }

    public bool NoResponders { get => _noResponders; init => _noResponders = value; }

    /// <summary>From here on: leaf links.</summary>
    public string ServerId { get => _serverId; init => _serverId = value; }

    public string Cluster { get => _cluster; init => _cluster = value; }

    public bool JetStream { get => _jetStream; init => _jetStream = value; }

    public string Domain { get => _domain; init => _domain = value; }

    /// <summary>The soliciting side wants to be the hub.</summary>
    public bool IsHub { get => _isHub; init => _isHub = value; }

    /// <summary>What must not be sent to the leaf.</summary>
    public IReadOnlyList<string> DenyPublish { get => _denyPublish; init => _denyPublish = value; }

    public string CompressMode { get => _compressMode; init => _compressMode = value; }

    /// <summary>Name of the account at the leaf.</summary>
    public string RemoteAccount { get => _remoteAccount; init => _remoteAccount = value; }

    /// <summary>Ask the hub not to tell of the interest of other leaves.</summary>
    public bool Isolate { get => _isolate; init => _isolate = value; }

    /// <summary>Only to refuse who came to the wrong port.</summary>
    public string Gateway { get => _gateway; init => _gateway = value; }

    /// <summary>A leaf, not a client: it names no language.</summary>
    public bool IsLeaf => Language.Length == 0;

    /// <summary>What a server assumes before CONNECT and for fields that it leaves out: verbose, pedantic and echo are on.</summary>
    public static ConnectOptions ServerDefaults { get; } = new() { Verbose = true, Pedantic = true };

    /// <summary>
    /// Reads CONNECT over what was known before, for it may be repeated: fields given are overwritten. False when this is no JSON
    /// object or a field has the wrong type.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> json, ConnectOptions before, out ConnectOptions options)
    {
        options = before with { };
        return JsonFields.TryRead(json, options, ReadField);
    }

    public void WriteJson(IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, JsonFields.WriterOptions);
        writer.WriteStartObject();
        if (!IsLeaf) writer.WriteBoolean("verbose"u8, Verbose);
        if (!IsLeaf) writer.WriteBoolean("pedantic"u8, Pedantic);
        if (!IsLeaf) writer.WriteBoolean("tls_required"u8, TlsRequired);
        JsonFields.WriteText(writer, "auth_token"u8, AuthToken);
        JsonFields.WriteText(writer, "user"u8, User);
        JsonFields.WriteText(writer, "pass"u8, Password);
        JsonFields.WriteText(writer, "nkey"u8, Nkey);
        JsonFields.WriteText(writer, "jwt"u8, Jwt);
        JsonFields.WriteText(writer, "sig"u8, Signature);
        JsonFields.WriteText(writer, "name"u8, Name);
        JsonFields.WriteText(writer, "lang"u8, Language);
        JsonFields.WriteText(writer, "version"u8, Version);
        JsonFields.WriteNumber(writer, "protocol"u8, ProtocolVersion);
        if (!IsLeaf) writer.WriteBoolean("echo"u8, Echo);
        JsonFields.WriteFlag(writer, "headers"u8, Headers);
        JsonFields.WriteFlag(writer, "no_responders"u8, NoResponders);
        JsonFields.WriteText(writer, "server_id"u8, ServerId);
        JsonFields.WriteText(writer, "cluster"u8, Cluster);
        JsonFields.WriteFlag(writer, "jetstream"u8, JetStream);
        JsonFields.WriteText(writer, "domain"u8, Domain);
        JsonFields.WriteFlag(writer, "is_hub"u8, IsHub);
        JsonFields.WriteTexts(writer, "deny_pub"u8, DenyPublish);
        JsonFields.WriteText(writer, "compress_mode"u8, CompressMode);
        JsonFields.WriteText(writer, "remote_account"u8, RemoteAccount);
        JsonFields.WriteFlag(writer, "isolate"u8, Isolate);
        JsonFields.WriteText(writer, "gateway"u8, Gateway);
        writer.WriteEndObject();
        writer.Flush();
    }

    private static bool ReadField(ref Utf8JsonReader reader, ConnectOptions target)
    {
        if (reader.ValueTextEquals("verbose"u8)) return JsonFields.TryFlag(ref reader, ref target._verbose);
        if (reader.ValueTextEquals("pedantic"u8)) return JsonFields.TryFlag(ref reader, ref target._pedantic);
        if (reader.ValueTextEquals("tls_required"u8)) return JsonFields.TryFlag(ref reader, ref target._tlsRequired);
        if (reader.ValueTextEquals("auth_token"u8)) return JsonFields.TryText(ref reader, ref target._authToken);
        if (reader.ValueTextEquals("user"u8)) return JsonFields.TryText(ref reader, ref target._user);
        if (reader.ValueTextEquals("pass"u8)) return JsonFields.TryText(ref reader, ref target._password);
        if (reader.ValueTextEquals("nkey"u8)) return JsonFields.TryText(ref reader, ref target._nkey);
        if (reader.ValueTextEquals("jwt"u8)) return JsonFields.TryText(ref reader, ref target._jwt);
        if (reader.ValueTextEquals("sig"u8)) return JsonFields.TryText(ref reader, ref target._signature);
        if (reader.ValueTextEquals("name"u8)) return JsonFields.TryText(ref reader, ref target._name);
        if (reader.ValueTextEquals("lang"u8)) return JsonFields.TryText(ref reader, ref target._language);
        if (reader.ValueTextEquals("version"u8)) return JsonFields.TryText(ref reader, ref target._version);
        if (reader.ValueTextEquals("protocol"u8)) return JsonFields.TryNumber(ref reader, ref target._protocolVersion);
        if (reader.ValueTextEquals("echo"u8)) return JsonFields.TryFlag(ref reader, ref target._echo);
        if (reader.ValueTextEquals("headers"u8)) return JsonFields.TryFlag(ref reader, ref target._headers);
        if (reader.ValueTextEquals("no_responders"u8)) return JsonFields.TryFlag(ref reader, ref target._noResponders);
        if (reader.ValueTextEquals("server_id"u8)) return JsonFields.TryText(ref reader, ref target._serverId);
        if (reader.ValueTextEquals("cluster"u8)) return JsonFields.TryText(ref reader, ref target._cluster);
        if (reader.ValueTextEquals("jetstream"u8)) return JsonFields.TryFlag(ref reader, ref target._jetStream);
        if (reader.ValueTextEquals("domain"u8)) return JsonFields.TryText(ref reader, ref target._domain);
        if (reader.ValueTextEquals("is_hub"u8)) return JsonFields.TryFlag(ref reader, ref target._isHub);
        if (reader.ValueTextEquals("deny_pub"u8)) return JsonFields.TryTexts(ref reader, ref target._denyPublish);
        if (reader.ValueTextEquals("compress_mode"u8)) return JsonFields.TryText(ref reader, ref target._compressMode);
        if (reader.ValueTextEquals("remote_account"u8)) return JsonFields.TryText(ref reader, ref target._remoteAccount);
        if (reader.ValueTextEquals("isolate"u8)) return JsonFields.TryFlag(ref reader, ref target._isolate);
        if (reader.ValueTextEquals("gateway"u8)) return JsonFields.TryText(ref reader, ref target._gateway);
        return JsonFields.Skip(ref reader);
    }
}
