using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Client;

/// <summary>What a client answers to the first INFO of a link.</summary>
internal static class LinkGreeting
{
    /// <summary>Whether TLS is to be made now, or why there can be no link. Neither: go on as it is.</summary>
    public static (bool IsUpgrade, string? Refusal) DecideTls(TlsMode mode, NatsServer server, ServerInfo info, bool isSecure)
    {
        // Spec: behind a handshake INFO still says tls_required; over WebSocket TLS is a matter of the URL.
        if (isSecure || server.IsWebSocket) return (false, null);

        var isWanted = mode == TlsMode.Require || server.Scheme == NatsScheme.Tls || (mode == TlsMode.Prefer && info.TlsAvailable);
        if (!isWanted && !info.TlsRequired) return (false, null);
        if (mode == TlsMode.Disable) return (false, "the server wants TLS, which is disabled");
        if (!info.TlsRequired && !info.TlsAvailable) return (false, "the server has no TLS, which is required");
        return (true, null);
    }

    public static ConnectOptions Connect(NatsClientOptions options, NatsServer server, ServerInfo info, bool isSecure)
    {
        var connect = new ConnectOptions
        {
            Name = options.Name,
            Language = "dotnet-edgesync",
            Version = "0.1.0",
            ProtocolVersion = 1,
            Echo = options.Echo,
            Headers = true,
            NoResponders = true,
            TlsRequired = isSecure,
        };
        return options.Credentials.Apply(connect, server, info.Nonce);
    }
}
