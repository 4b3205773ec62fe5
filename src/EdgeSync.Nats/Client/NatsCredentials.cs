using EdgeSync.Nats.Keys;
using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Client;

/// <summary>How a client proves who it is. Secrets: never printed.</summary>
public sealed record NatsCredentials
{
    /// <summary>Nobody in particular.</summary>
    public static NatsCredentials None { get; } = new();

    public string Token { get; init; } = "";

    public string Username { get; init; } = "";

    public string Password { get; init; } = "";

    /// <summary>Signs the server's nonce. Alone it is an nkey user; with a JWT it belongs to that.</summary>
    public NKeyPair? Key { get; init; }

    /// <summary>A user's JWT, from a credentials file.</summary>
    public string Jwt { get; init; } = "";

    /// <summary>From the text of a <c>.creds</c> file.</summary>
    /// <exception cref="Primitives.EdgeSyncException">It holds no credentials.</exception>
    public static NatsCredentials FromCredentialsFile(string text)
    {
        var file = CredentialsFile.Parse(text);
        return new NatsCredentials { Jwt = file.Jwt, Key = file.Key };
    }

    /// <exception cref="Primitives.EdgeSyncException">The text is no seed.</exception>
    public static NatsCredentials FromSeed(string seed) => new() { Key = NKeyPair.FromSeed(seed) };

    public override string ToString() =>
        Key is not null ? $"key {Key.PublicKey}" : Username.Length > 0 ? $"user {Username}" : Token.Length > 0 ? "token" : "none";

    /// <summary>What goes into CONNECT: the user of the server's URL before these.</summary>
    internal ConnectOptions Apply(ConnectOptions connect, NatsServer server, string nonce)
    {
        if (server.User.Length > 0)
        {
            return server.Password.Length > 0
                ? connect with { User = server.User, Password = server.Password }
                : connect with { AuthToken = server.User };
        }

        connect = connect with { AuthToken = Token, User = Username, Password = Password };
        if (Key is null || nonce.Length == 0) return connect;

        // Spec: a JWT names its key itself.
        connect = connect with { Signature = Key.SignNonce(nonce) };
        return Jwt.Length > 0 ? connect with { Jwt = Jwt } : connect with { Nkey = Key.PublicKey };
    }
}
