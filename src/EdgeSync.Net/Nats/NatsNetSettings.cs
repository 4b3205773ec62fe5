using System.Globalization;
using System.Text;
using EdgeSync.Nats.Keys;
using NATS.Client.Core;

namespace EdgeSync.Net.Nats;

/// <summary>Our options as NATS.Net wants them.</summary>
internal static class NatsNetSettings
{
    /// <exception cref="Primitives.EdgeSyncException">A credential is none.</exception>
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
        HeaderEncoding = Encoding.UTF8,   // reasons are text for people
        RequestReplyMode = NatsRequestReplyMode.Direct,
        ConnectTimeout = options.ConnectTimeout,
        PingInterval = options.PingInterval,
        ReconnectWaitMin = options.ReconnectWaitMin,
        ReconnectWaitMax = options.ReconnectWaitMax,

        // A node that nobody attends goes on: an account can be mended at the server too.
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

    // With Auto a file of authorities alone makes TLS a must; here the scheme says that, or the server.
    private static TlsMode ModeOf(NatsNetOptions options)
    {
        if (options.TlsFirst) return TlsMode.Implicit;
        return options.Url.Contains("tls://", StringComparison.Ordinal) ? TlsMode.Auto : TlsMode.Prefer;
    }
}
