using EdgeSync.Node.Watch;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can;

/// <summary>
/// Imports what appears or changes in a folder, until it is cancelled. While the service does not answer, it tries
/// again, later each time.
/// </summary>
internal static class ImportWatch
{
    /// <summary>Without a change of a file, before it is read.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    /// <param name="root">A full path.</param>
    /// <param name="import">Of that folder.</param>
    /// <param name="clock">Of pauses.</param>
    /// <param name="imported">Called for each file that was not an asset before.</param>
    /// <param name="failed">Called with the reason when an attempt fails: each reason once, until one succeeds.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(
        string root, FolderImport import, TimeProvider clock, Action<ImportedFile> imported, Action<string> failed,
        CancellationToken cancellationToken)
    {
        using var signals = new FolderSignals(root, Quiet, clock, _ => true, failed);
        string? reason = null;
        while (true)
        {
            await signals.WaitAsync(null, cancellationToken);
            try
            {
                if (!Directory.Exists(root))
                    throw new EdgeSyncException(ErrorKind.NotFound, $"{root} does not exist", "is it mounted?");

                var left = await import.ImportAsync(
                    import.List(), Quiet, restoresTrashed: false,
                    file =>
                    {
                        if (!file.AlreadyExisted) imported(file);
                    },
                    cancellationToken);
                signals.OnDone();
                if (left > 0) signals.OnUnsettled();
                reason = null;
            }
            catch (Exception e) when (e is EdgeSyncException or IOException or UnauthorizedAccessException)
            {
                if (e.Message != reason) failed(e.Message);
                reason = e.Message;
                signals.OnFailed();
            }
        }
    }
}
