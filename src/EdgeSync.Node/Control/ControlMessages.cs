using System.Text.Json.Serialization;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;

namespace EdgeSync.Node.Control;

/// <summary>
/// One request to a running daemon: a line of JSON on its unix socket, with one line in reply. The requests:
/// <code>
/// sync_now   sync with every target; replies when it is done    repository?
/// changed    a process committed: check for changes          repository
/// status     everything (docs/status.md)
/// users      users or trusted peers of a repository have changed
/// pair       make a pairing code                                repository?, capabilities
/// pair_wait  wait for the machine that presents it
/// pair_answer  confirm or refuse that machine                    peer, accepts
/// reload     read the settings again, like SIGHUP
/// </code>
/// </summary>
internal sealed record ControlRequest([property: JsonRequired] string Do, string? Repository = null)
{
    public string? Capabilities { get; init; }

    /// <summary>An endpoint id.</summary>
    public string? Peer { get; init; }

    public bool? Accepts { get; init; }
}

internal sealed record ControlReply
{
    public Failure? Error { get; init; }

    public IReadOnlyList<SyncNowResult>? Syncs { get; init; }

    public NodeStatus? Status { get; init; }

    /// <summary>A pairing code, until its time is over.</summary>
    public string? Code { get; init; }

    public string? ExpiresAt { get; init; }

    /// <summary>The machine that has presented the code.</summary>
    public PairCandidate? Candidate { get; init; }
}

/// <summary>A machine that has presented a pairing code.</summary>
/// <param name="Id">Its endpoint id.</param>
/// <param name="Capabilities">That it will have.</param>
internal sealed record PairCandidate(string Id, string Name, string Capabilities);
