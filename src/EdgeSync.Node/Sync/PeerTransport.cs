using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Node.Sync;

/// <summary>What an address alone does not say about reaching a peer.</summary>
internal sealed record PeerTransportOptions
{
    /// <summary><c>USER:PASSWORD</c> for a web server in front of the peer.</summary>
    public string? HttpCredentials { get; init; }

    /// <summary>The only key that an https peer may have; null trusts as the system does.</summary>
    public byte[]? Pin { get; init; }

    /// <summary>Hears why a request is sent again, and after which pause.</summary>
    public Action<string, TimeSpan>? OnRetry { get; init; }
}

/// <summary>Opens the transport that an address names: http, https, file, ssh.</summary>
internal static class PeerTransport
{
    /// <param name="peer">The address.</param>
    /// <param name="ours">The repository that syncs; its settings <c>proxy</c> and <c>ssh-command</c> count.</param>
    /// <param name="options">Credentials and a listener.</param>
    /// <param name="clock">Time of pauses and of what is stored.</param>
    /// <exception cref="EdgeSyncException">A file that is no repository; ssh is not installed.</exception>
    public static ITransport Open(PeerUrl peer, Repository ours, PeerTransportOptions options, TimeProvider clock)
    {
        if (peer.FilePath is { } file) return FileTransport.Open(file, ours.Path, clock);
        if (peer.IsSsh) return SshTransport.Open(peer, ours.Settings["ssh-command"]);

        return HttpTransport.Open(peer, ours.Settings["proxy"], options, clock);
    }
}
