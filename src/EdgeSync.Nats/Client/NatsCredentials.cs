using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Client;

/// <summary>How a client proves who it is.</summary>
public sealed record NatsCredentials
{
    /// <summary>Nobody in particular.</summary>
    public static NatsCredentials None { get; } = new();

    public string Token { get; init; } = "";

    public string Username { get; init; } = "";

    public string Password { get; init; } = "";

    /// <summary>What goes into CONNECT: the user of the URL first, then these.</summary>
    internal ConnectOptions Apply(ConnectOptions connect, NatsServer server, string nonce)
    {
        if (server.User.Length > 0)
        {
            return server.Password.Length > 0
                ? connect with { User = server.User, Password = server.Password }
                : connect with { AuthToken = server.User };
        }

        return connect with { AuthToken = Token, User = Username, Password = Password };
    }
}
