using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Primitives;

namespace EdgeSync.Simulation;

/// <summary>A client session and where its last request is.</summary>
internal sealed class SimSession(ClientSession session, int server, SyncActions actions) : IDisposable
{
    public const int AttemptsMax = 4;

    public ClientSession Client { get; } = session;

    public int Server { get; } = server;

    public SyncActions Actions { get; } = actions;

    /// <summary>Number of the request that a reply must answer; others are late or doubled.</summary>
    public long Waiting { get; set; }

    public int Attempts { get; set; }

    public Instant Started { get; init; }

    public void Dispose() => Client.Dispose();
}
