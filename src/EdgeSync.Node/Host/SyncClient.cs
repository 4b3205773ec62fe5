using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Node.Host;

/// <summary>How a <see cref="SyncClient"/> reaches its peer, and what goes over.</summary>
public sealed record SyncClientOptions
{
    /// <summary>Login on the peer; null: the one in the address, or nobody.</summary>
    public string? User { get; init; }

    /// <summary>Its password; null: the one in the address.</summary>
    public string? Password { get; init; }

    /// <summary>Unversioned files too.</summary>
    public bool Unversioned { get; init; }

    /// <summary>Private branches too, where the peer's user has capability <c>x</c>.</summary>
    public bool Private { get; init; }

    /// <summary>Time of pauses and of what is stored.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>What one exchange with a peer did.</summary>
/// <param name="Rounds">Requests that were answered.</param>
/// <param name="ArtifactsSent">Contents, check-ins, tags and so on that the peer got.</param>
/// <param name="ArtifactsReceived">Those that came.</param>
/// <param name="BytesSent">On the wire.</param>
/// <param name="BytesReceived">On the wire.</param>
/// <param name="PushRefused">The peer accepts nothing from this user, so nothing was sent.</param>
/// <param name="Messages">What the peer has to say to its user.</param>
public sealed record SyncClientResult(
    int Rounds, int ArtifactsSent, int ArtifactsReceived, long BytesSent, long BytesReceived, bool PushRefused,
    IReadOnlyList<string> Messages);

/// <summary>
/// Clones and syncs a repository once, with any Fossil server or node, without a running node: what
/// <c>edgesync repo clone</c>, <c>sync</c>, <c>pull</c> and <c>push</c> do. An address is one of http, https, file,
/// ssh or iroh, or the path of a repository.
/// </summary>
public static class SyncClient
{
    /// <summary>Clones into a new file. When it fails, what came is kept, and the same call resumes.</summary>
    /// <param name="url">The peer. It is remembered in the clone.</param>
    /// <param name="path">The file to create.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="cancellationToken">Ends it; what came is kept.</param>
    /// <exception cref="EdgeSyncException">
    /// Conflict: the file exists, or the rest of an earlier clone is of another project. Denied: login or rights.
    /// Unavailable: the peer cannot be reached. Protocol: it does not speak as a Fossil server.
    /// </exception>
    public static async Task<SyncClientResult> CloneAsync(
        string url, string path, SyncClientOptions? options, CancellationToken cancellationToken)
    {
        options ??= new SyncClientOptions();
        var (peer, login) = LoginOf(PeerAddress.Parse(url), options);
        using var clone = CloneFile.Open(
            path, new RepositoryCreateOptions { AdminUser = peer.User ?? Environment.UserName, Clock = options.Clock });
        try
        {
            var result = await RunAsync(
                clone.Repository, peer, login, SyncActions.Clone, options, cancellationToken);
            SavedPeer.Write(clone.Repository, peer.ToString(), login?.Password);
            clone.Complete();
            return result;
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Denied && !clone.IsResumed)
        {
            clone.Discard();
            throw;
        }
        catch (Exception e) when (e is not InvariantException)
        {
            clone.Abandon();
            throw;
        }
    }

    /// <summary>Sends what the peer lacks, and receives what is missing here.</summary>
    /// <inheritdoc cref="PullAsync" path="/param"/>
    /// <inheritdoc cref="PullAsync" path="/exception"/>
    public static Task<SyncClientResult> SyncAsync(
        string path, string? url, SyncClientOptions? options, CancellationToken cancellationToken) =>
        ExchangeAsync(path, url, SyncActions.Pull | SyncActions.Push, options, cancellationToken);

    /// <summary>Receives what is missing here.</summary>
    /// <param name="path">The repository.</param>
    /// <param name="url">The peer; null: the one that the repository remembers.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="cancellationToken">Ends it; whole rounds are kept.</param>
    /// <exception cref="EdgeSyncException">
    /// NotFound: the repository is missing, or remembers no peer. Denied: login or rights. Unavailable: the peer
    /// cannot be reached. Conflict: it holds another project. Protocol: it does not speak as a Fossil server.
    /// </exception>
    public static Task<SyncClientResult> PullAsync(
        string path, string? url, SyncClientOptions? options, CancellationToken cancellationToken) =>
        ExchangeAsync(path, url, SyncActions.Pull, options, cancellationToken);

    /// <summary>Sends what the peer lacks.</summary>
    /// <inheritdoc cref="PullAsync" path="/param"/>
    /// <inheritdoc cref="PullAsync" path="/exception"/>
    public static Task<SyncClientResult> PushAsync(
        string path, string? url, SyncClientOptions? options, CancellationToken cancellationToken) =>
        ExchangeAsync(path, url, SyncActions.Push, options, cancellationToken);

    private static async Task<SyncClientResult> ExchangeAsync(
        string path, string? url, SyncActions actions, SyncClientOptions? options, CancellationToken cancellationToken)
    {
        options ??= new SyncClientOptions();
        using var repository = Repository.Open(path, new RepositoryOptions { Clock = options.Clock });
        var (saved, password) = SavedPeer.Read(repository);
        var address = url ?? saved ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"{path} remembers no peer, and no address is given",
            "edgesync repo remote add NAME URL");
        if (url is null && options.Password is null) options = options with { Password = password };
        var (peer, login) = LoginOf(PeerAddress.Parse(address), options);
        return await RunAsync(repository, peer, login, actions, options, cancellationToken);
    }

    private static async Task<SyncClientResult> RunAsync(
        Repository repository, PeerUrl peer, SyncLogin? login, SyncActions actions, SyncClientOptions options,
        CancellationToken cancellationToken)
    {
        if (options.Private) actions |= SyncActions.Private;
        if (options.Unversioned) actions |= SyncActions.Unversioned;
        using var transport = PeerTransport.Open(peer, repository, new PeerTransportOptions(), options.Clock);
        var driver = new SyncDriver(
            new InlineExecutor(repository), new ClientOptions { Actions = actions, Login = login }, transport,
            options.Clock);
        var tally = await driver.RunAsync(cancellationToken);
        var report = tally.Report;
        SyncFaults.Throw(report, peer.Address, login?.User);
        return new SyncClientResult(
            report.Rounds, report.ArtifactsSent, report.ArtifactsReceived, tally.WireBytesSent,
            tally.WireBytesReceived, report.PushRefused, report.Messages);
    }

    // Access to a file, or to the command at the other end of ssh, implies every right.
    private static (PeerUrl Peer, SyncLogin? Login) LoginOf(PeerUrl peer, SyncClientOptions options)
    {
        if (peer.IsSsh || peer.FilePath is not null || (options.User ?? peer.User) is not { } user)
            return (peer, null);

        peer = peer with { User = user };
        var password = options.Password ?? peer.Password ?? throw new EdgeSyncException(
            ErrorKind.Usage, $"'{user}' needs a password", $"{nameof(SyncClientOptions.Password)} of the options");
        return (peer with { Password = null }, new SyncLogin(user, password));
    }
}
