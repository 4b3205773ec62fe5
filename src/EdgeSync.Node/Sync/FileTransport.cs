using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Node.Sync;

/// <summary>
/// A repository file as the peer, such as one on a stick: its requests are handled in this process, without a login,
/// since access to the file implies every right. Fossil runs its own server for a <c>file://</c> address in the same
/// way.
/// </summary>
internal sealed class FileTransport : ITransport
{
    private readonly Repository _repository;
    private readonly RepositoryArtifactStore _store;
    private readonly ServerHandler _handler;
    private readonly TimeProvider _clock;

    private FileTransport(Repository repository, string path, TimeProvider clock)
    {
        (_repository, _clock, Target) = (repository, clock, path);
        _store = new RepositoryArtifactStore(repository);
        _handler = new ServerHandler(_store, new ServerOptions { OwnerLogin = repository.Users.OwnerLogin });
    }

    public string Route => "file";

    public string Target { get; }

    public string? Responder => null;

    public long WireBytesSent { get; private set; }

    public long WireBytesReceived { get; private set; }

    public Action? Progressed { get; set; }

    /// <param name="path">The peer.</param>
    /// <param name="ours">The file of the repository that syncs.</param>
    /// <param name="clock">Time of what is stored.</param>
    /// <exception cref="EdgeSyncException">Not a repository, or <paramref name="ours"/> itself.</exception>
    public static FileTransport Open(string path, string ours, TimeProvider clock)
    {
        if (RepositoryFile.IsSame(path, ours))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"{path} is the repository itself, not a peer", "edgesync repo sync URL");

        return new FileTransport(Repository.Open(path, AccessTo(path) with { Clock = clock }), path, clock);
    }

    public Task<TransportReply> ExchangeAsync(
        ReadOnlyMemory<byte> message, bool mayStream, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var reply = new PooledBytes();
        _handler.Handle(Instant.FromDateTime(_clock.GetUtcNow()), message, "127.0.0.1", reply);
        WireBytesSent += message.Length;
        WireBytesReceived += reply.Length;
        Progressed?.Invoke();
        return Task.FromResult(new TransportReply(reply.Written.ToArray()));
    }

    public void Dispose()
    {
        _store.Dispose();
        _repository.Dispose();
    }

    // A medium or a file that cannot be written can still be pulled from; a disk fault is an error of its own.
    internal static RepositoryOptions AccessTo(string path)
    {
        try
        {
            using var probe = new FileStream(
                path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            return RepositoryOptions.Default;
        }
        catch (UnauthorizedAccessException)
        {
            return RepositoryOptions.ReadOnly;
        }
        catch (IOException e) when (
            e is not FileNotFoundException and not DirectoryNotFoundException && IsReadOnlyMedium(e))
        {
            return RepositoryOptions.ReadOnly;
        }
        catch (IOException)
        {
            return RepositoryOptions.Default;   // opening the repository reports the fault
        }
    }

    // EROFS of Linux and macOS; .NET reports it as an IOException with this code.
    private static bool IsReadOnlyMedium(IOException e) => (e.HResult & 0xffff) == 30;
}
