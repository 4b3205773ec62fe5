using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Sync;

/// <summary>Options for reaching a peer, beside its address.</summary>
internal sealed record PeerTransportOptions
{
    /// <summary><c>USER:PASSWORD</c> for a web server in front of the peer.</summary>
    public string? HttpCredentials { get; init; }

    /// <summary>The only accepted key of an https peer; null uses the system's trust.</summary>
    public byte[]? Pin { get; init; }

    /// <summary>A request that fails is not sent again: the opener of the transport decides about that.</summary>
    public bool TriesOnce { get; init; }

    /// <summary>Called with the reason and the pause when a request is sent again.</summary>
    public Action<string, TimeSpan>? OnRetry { get; init; }
}

/// <summary>Opens the transport of an address: http, https, file, ssh, iroh.</summary>
internal static class PeerTransport
{
    /// <param name="peer">The address.</param>
    /// <param name="ours">The repository that syncs; its settings <c>proxy</c> and <c>ssh-command</c> apply.</param>
    /// <param name="options">Credentials and a listener.</param>
    /// <param name="clock">Time of pauses and of what is stored.</param>
    /// <exception cref="EdgeSyncException">A file that is not a repository; ssh is not installed.</exception>
    public static ITransport Open(PeerUrl peer, Repository ours, PeerTransportOptions options, TimeProvider clock)
    {
        if (peer.FilePath is { } file) return FileTransport.Open(file, ours.Path, clock);
        if (peer.Endpoint is not null) return IrohTransport.Open(peer, ours.Path, clock);
        if (peer.IsSsh) return SshTransport.Open(peer, ours.Settings["ssh-command"]);

        return HttpTransport.Open(peer, ours.Settings["proxy"], options, clock);
    }
}
