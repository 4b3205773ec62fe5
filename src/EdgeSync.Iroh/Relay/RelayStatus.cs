namespace EdgeSync.Iroh.Relay;

/// <summary>A relay's status of a client's connection; unknown values are ignored.</summary>
public enum RelayStatus : byte
{
    Healthy = 0,

    /// <summary>Another connection with the same id has taken over: this one gets nothing.</summary>
    SameIdConnected = 1,

    /// <summary>The relay reads more slowly than the client sends.</summary>
    RateLimited = 2,
}
