using EdgeSync.Node.Logging;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Opens a repository to write it. A file that cannot be written, such as one on a read-only medium, is still served to
/// those who only read; but a disk that fails for a moment must not make a repository read-only until the next start.
/// </summary>
internal sealed class WriterOpening(string path, TimeProvider clock, ServeLog log)
{
    private const int AttemptsMax = 4;
    private static readonly TimeSpan PauseFirst = TimeSpan.FromMilliseconds(100);

    /// <exception cref="EdgeSyncException">No repository, or the disk keeps failing.</exception>
    public async Task<RepositoryQueue> OpenAsync(Func<string, RepositoryOptions, RepositoryQueue> open, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return open(path, RepositoryOptions.Default with { Clock = clock });
            }
            catch (SqliteException e) when (e.IsDiskFault && File.Exists(path) && attempt < AttemptsMax)
            {
                if (e.IsIoError) log.Write(LogLevel.Error, e.Message, ("repository", path), ("try", e.Hint));
            }
            catch (EdgeSyncException e) when (e.Kind == ErrorKind.System && e is not SqliteException { IsIoError: true } && File.Exists(path))
            {
                log.Write(LogLevel.Warning, "read-only", ("repository", path), ("because", e.Message));
                return open(path, RepositoryOptions.ReadOnly with { Clock = clock });
            }

            await Task.Delay(PauseFirst * (1 << (attempt - 1)), clock, cancellationToken);
        }
    }
}
