namespace EdgeSync.Storage;

/// <summary>Where the steps of a session that touch the repository run.</summary>
public interface IRepositoryExecutor
{
    /// <summary>
    /// Nothing else uses the repository while a session runs, so that one transaction may stay open while a reply
    /// arrives.
    /// </summary>
    bool IsExclusive { get; }

    /// <summary>
    /// Runs <paramref name="work"/>; a cancellation before it begins drops it, running work is never interrupted.
    /// </summary>
    Task<T> RunAsync<T>(Func<Repository, T> work, CancellationToken cancellationToken);

    /// <inheritdoc cref="RunAsync{T}"/>
    Task RunAsync(Action<Repository> work, CancellationToken cancellationToken);
}

/// <summary>Runs the steps on the caller's thread: a command has the repository to itself.</summary>
public sealed class InlineExecutor(Repository repository) : IRepositoryExecutor
{
    public bool IsExclusive => true;

    public Task<T> RunAsync<T>(Func<Repository, T> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(work(repository));
    }

    public Task RunAsync(Action<Repository> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work(repository);
        return Task.CompletedTask;
    }
}
