using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Keys;
using EdgeSync.Net;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// Credentials and certificates of the settings, read from their files, in the forms of client, leafnode and broker.
/// </summary>
internal static class NatsLogins
{
    /// <summary>The options of a plain client.</summary>
    /// <exception cref="EdgeSyncException">A file is missing, or malformed.</exception>
    public static NatsNetOptions ClientOf(NatsSection settings, IReadOnlyList<NatsAddress> addresses)
    {
        CheckTlsFiles(settings.Tls);
        return new NatsNetOptions
        {
            Url = string.Join(',', addresses.Select(a => a.Url.OriginalString)),
            Credentials = LoginOf(settings.Login),
            CaFile = settings.Tls.CaFile,
            CertFile = settings.Tls.CertFile,
            KeyFile = settings.Tls.KeyFile,
            TlsFirst = settings.Tls.First,
        };
    }

    public static NatsCredentials LoginOf(NatsLogin login)
    {
        if (login.CredsFile is { } creds) return new NatsCredentials { CredsText = Secrets.ReadFile(creds) };
        if (login.NkeyFile is { } seed) return new NatsCredentials { NkeySeed = Secrets.FirstLine(seed) };
        if (Secrets.Read(login.Token, login.TokenFile) is { } token) return new NatsCredentials { Token = token };

        return login.User is null
            ? NatsCredentials.None
            : new NatsCredentials { User = login.User, Password = Secrets.Read(login.Password, login.PasswordFile) };
    }

    public static IReadOnlyList<BrokerUser> UsersOf(IEnumerable<NatsUser> users) =>
    [
        .. users.Select(user => new BrokerUser
        {
            Name = user.Nkey ?? user.User!,
            Password = user.Nkey is not null ? null : Secrets.Read(user.Password, user.PasswordFile)
                ?? throw new EdgeSyncException(
                    ErrorKind.Usage, $"the NATS user '{user.User}' needs a password", "password_file in nats.users"),
            Publish = user.Publish is null ? null : new SubjectPermissions(user.Publish, []),
            Subscribe = user.Subscribe is null ? null : new SubjectPermissions(user.Subscribe, []),
            Responses = user.AllowResponses is { } count
            ? new ResponsePermission { MessagesMax = count, Expires = user.ResponsesExpire }
            : null,
        }),
    ];

    public static NatsBrokerTls? ServerTlsOf(NatsTls tls)
    {
        if (tls.CertFile is null) return null;

        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(tls.CertFile);
            return new NatsBrokerTls
            {
                Certificate = X509Certificate2.CreateFromPemFile(tls.CertFile, tls.KeyFile),
                Chain = chain,
                ClientAuthorities = AuthoritiesOf(tls.CaFile),
                HandshakeFirst = tls.First,
                HandshakeFallback = tls.FirstFallback,
            };
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new EdgeSyncException(
                ErrorKind.System,
                $"cannot use the certificate {tls.CertFile} with the key {tls.KeyFile ?? "(the same file)"}: "
                    + $"{e.Message}",
                "both must be PEM files, and the key must belong to the certificate", e);
        }
    }

    /// <summary>Null without settings: then the address decides, with the trust of the system.</summary>
    public static SslClientAuthenticationOptions? LeafTlsOf(NatsTls tls, IReadOnlyList<NatsAddress> leafs)
    {
        if (tls.CaFile is null && tls.CertFile is null && tls.Pin is null && !tls.First) return null;

        var options = new SslClientAuthenticationOptions { TargetHost = leafs[0].Url.Host };
        if (tls.CertFile is not null)
            options.ClientCertificates = [X509Certificate2.CreateFromPemFile(tls.CertFile, tls.KeyFile)];
        if (tls.Pin is { } pin) options.RemoteCertificateValidationCallback = ServerPin.Check(ServerPin.TryParse(pin)!);
        if (AuthoritiesOf(tls.CaFile) is { } authorities)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        return options;
    }

    // NATS.Net reads them with each connection; their faults are reported at the start.
    private static void CheckTlsFiles(NatsTls tls)
    {
        try
        {
            AuthoritiesOf(tls.CaFile);
            if (tls.CertFile is not null) X509Certificate2.CreateFromPemFile(tls.CertFile, tls.KeyFile).Dispose();
        }
        catch (Exception e) when (
            e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, $"The TLS files cannot be read: {e.Message}", "give PEM files that this user may read",
                e);
        }
    }

    private static X509Certificate2Collection? AuthoritiesOf(string? file)
    {
        if (file is null) return null;

        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities;
    }
}
