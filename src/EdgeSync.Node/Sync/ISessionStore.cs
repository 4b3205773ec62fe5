using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Node.Sync;

/// <summary>
/// The store of a session, and the executor of its steps: a repository's thread, the caller's, a simulation's.
/// </summary>
internal interface ISessionStore
{
    /// <inheritdoc cref="IRepositoryExecutor.IsExclusive"/>
    bool IsExclusive { get; }

    /// <summary>The artifacts, for one session, which closes them on the executor.</summary>
    Task<SessionStore> OpenAsync(CancellationToken cancellationToken);

    /// <inheritdoc cref="IRepositoryExecutor.RunAsync{T}"/>
    Task<T> RunAsync<T>(Func<T> step, CancellationToken cancellationToken);

    /// <inheritdoc cref="RunAsync{T}"/>
    Task RunAsync(Action step, CancellationToken cancellationToken) => RunAsync(
        () =>
        {
            step();
            return true;
        },
        cancellationToken);
}

/// <summary>The artifacts of one session.</summary>
/// <param name="Close">Called once, on the executor, when the session is over.</param>
internal sealed record SessionStore(IArtifactStore Artifacts, Entropy Entropy, string? ProjectCode, Action Close);

/// <summary>Sessions of a repository, on its executor.</summary>
internal sealed class RepositorySessions(IRepositoryExecutor repository) : ISessionStore
{
    public bool IsExclusive => repository.IsExclusive;

    public Task<SessionStore> OpenAsync(CancellationToken cancellationToken) => repository.RunAsync(
        opened =>
        {
            var store = new RepositoryArtifactStore(opened);
            return new SessionStore(store, opened.Entropy, opened.Settings["project-code"], store.Dispose);
        },
        cancellationToken);

    public Task<T> RunAsync<T>(Func<T> step, CancellationToken cancellationToken) =>
        repository.RunAsync(_ => step(), cancellationToken);
}
