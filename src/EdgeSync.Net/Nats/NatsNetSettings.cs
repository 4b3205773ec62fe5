using System.Globalization;
using System.Text;
using EdgeSync.Nats.Keys;
using NATS.Client.Core;

namespace EdgeSync.Net.Nats;

/// <summary>Our options in the form of NATS.Net.</summary>
internal static class NatsNetSettings
{
    /// <exception cref="Primitives.EdgeSyncException">A credential is malformed.</exception>
    public static NatsOpts Of(NatsNetOptions options, NatsFailureLog failures) => NatsOpts.Default with
    {
        Url = options.Url,
        Name = options.Name,
        Echo = false,
        AuthOpts = AuthOf(options.Credentials),
        TlsOpts = new NatsTlsOpts
        {
            CaFile = options.CaFile,
            CertFile = options.CertFile,
            KeyFile = options.CertFile is null ? null : options.KeyFile ?? options.CertFile,
            Mode = ModeOf(options),
        },
        LoggerFactory = failures,
        HeaderEncoding = Encoding.UTF8,   // reasons may be any text
        RequestReplyMode = NatsRequestReplyMode.Direct,
        ConnectTimeout = options.ConnectTimeout,
        PingInterval = options.PingInterval,
        ReconnectWaitMin = options.ReconnectWaitMin,
        ReconnectWaitMax = options.ReconnectWaitMax,

        // An unattended node retries: an account can be corrected at the server too.
        IgnoreAuthErrorAbort = true,
        SuppressSlowConsumerWarnings = true,
    };

    /// <summary>Host and port of the first address.</summary>
    public static string FirstServer(string url)
    {
        var first = url.Split(',')[0];
        return Uri.TryCreate(
            first.Contains("://", StringComparison.Ordinal) ? first : $"nats://{first}", UriKind.Absolute, out var uri)
            ? string.Create(CultureInfo.InvariantCulture, $"{uri.Host}:{(uri.Port > 0 ? uri.Port : 4222)}")
            : first.Split('@')[^1];
    }

    private static NatsAuthOpts AuthOf(NatsCredentials credentials)
    {
        if (credentials.CredsText is { } text)
        {
            var creds = CredentialsFile.Parse(text);
            return new NatsAuthOpts { Jwt = creds.Jwt, Seed = creds.Seed };
        }

        if (credentials.NkeySeed is { } seed)
            return new NatsAuthOpts { NKey = NKeyPair.FromSeed(seed).PublicKey, Seed = seed.Trim() };

        return new NatsAuthOpts
        {
            Token = credentials.Token,
            Username = credentials.User,
            Password = credentials.Password
        };
    }

    // With Auto a file of authorities alone requires TLS; here the scheme decides that, or the server.
    private static TlsMode ModeOf(NatsNetOptions options)
    {
        if (options.TlsFirst) return TlsMode.Implicit;
        return options.Url.Contains("tls://", StringComparison.Ordinal) ? TlsMode.Auto : TlsMode.Prefer;
    }
}
