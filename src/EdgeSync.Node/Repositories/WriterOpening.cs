using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using Microsoft.Extensions.Logging;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// Opens a repository for writing. A file that cannot be written, such as one on a read-only medium, is still served
/// for reading. After a disk fault or a full disk the repository becomes writable again when the disk does, without a
/// restart.
/// </summary>
internal sealed class WriterOpening(string path, TimeProvider clock, ILogger log)
{
    private const int AttemptsMax = 4;
    private static readonly TimeSpan PauseFirst = TimeSpan.FromMilliseconds(100);

    /// <exception cref="EdgeSyncException">It is not a repository, or the disk keeps failing.</exception>
    public async Task<RepositoryQueue> OpenAsync(
        Func<string, RepositoryOptions, Repository> open, CancellationToken cancellationToken)
    {
        var options = RepositoryOptions.Default with { Clock = clock, Warned = Warn };
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return RepositoryQueue.Own(open(path, options));
            }
            catch (SqliteException e) when (e.MayPass && File.Exists(path))
            {
                if (e.IsIoError || attempt == AttemptsMax) log.RepositoryFailed(path, e.Message, e.Hint);
                if (attempt == AttemptsMax)
                {
                    if (e.IsIoError) throw;
                    return RepositoryQueue.OwnUntilWritable(open(path, ReadOnly), () => OpenAgain(open, options), e);
                }
            }
            catch (EdgeSyncException e) when (e.Kind == ErrorKind.System && File.Exists(path))
            {
                log.RepositoryReadOnly(path, e.Message);
                return RepositoryQueue.Own(open(path, ReadOnly));
            }

            await Task.Delay(PauseFirst * (1 << (attempt - 1)), clock, cancellationToken);
        }
    }

    private RepositoryOptions ReadOnly => RepositoryOptions.ReadOnly with { Clock = clock };

    private Repository OpenAgain(Func<string, RepositoryOptions, Repository> open, RepositoryOptions options)
    {
        var repository = open(path, options);
        log.RepositoryWritable(path);
        return repository;
    }

    private void Warn(string text) => log.RepositoryWarning(path, text);
}
