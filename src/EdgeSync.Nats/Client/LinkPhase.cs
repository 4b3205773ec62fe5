namespace EdgeSync.Nats.Client;

/// <summary>How far a link has come.</summary>
internal enum LinkPhase : byte
{
    /// <summary>Before the start, between attempts, after the end.</summary>
    None,

    Dialing,

    AwaitInfo,

    Upgrading,

    /// <summary>CONNECT is out, its PONG not yet in.</summary>
    Handshake,

    Live,
}

internal static class LinkPhases
{
    /// <summary>What a link that came no further was doing.</summary>
    public static string Describe(this LinkPhase phase) => phase switch
    {
        LinkPhase.Dialing => "dialing",
        LinkPhase.AwaitInfo => "waiting for INFO",
        LinkPhase.Upgrading => "TLS handshake",
        _ => "waiting for the answer to CONNECT",
    };
}
