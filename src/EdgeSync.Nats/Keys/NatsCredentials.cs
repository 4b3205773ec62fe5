namespace EdgeSync.Nats.Keys;

/// <summary>The credentials of a client or a leafnode, of one kind. Secrets: never printed.</summary>
public sealed record NatsCredentials
{
    /// <summary>No credentials.</summary>
    public static NatsCredentials None { get; } = new();

    /// <summary>The text of a <c>.creds</c> file: a user's JWT and its seed.</summary>
    public string? CredsText { get; init; }

    /// <summary>An NKey seed, <c>SU…</c>.</summary>
    public string? NkeySeed { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    public string? Token { get; init; }

    /// <summary>Never the secrets.</summary>
    public override string ToString() => this switch
    {
        { CredsText: not null } => "creds",
        { NkeySeed: not null } => "nkey",
        { Token: not null } => "token",
        { User: { } user } => $"user {user}",
        _ => "none",
    };
}
