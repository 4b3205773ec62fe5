using EdgeSync.Can.Assets;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Can;

/// <summary>A file that became an asset, or was one.</summary>
internal sealed record ImportedFile(string File, string Hash, long Size, bool AlreadyExisted);

/// <summary>
/// Stores the files below a folder. The time of an asset is that of its file's last change, so the same file is the
/// same asset, however often it is imported. A file counts when it did not change while it was read and sent: the
/// service refuses a content that is not the one that was read.
/// </summary>
/// <param name="root">A full path.</param>
/// <param name="client">Of the service.</param>
/// <param name="details">For every file.</param>
/// <param name="clock">To see what is still being written.</param>
internal sealed class FolderImport(string root, CanClient client, CanDetails details, TimeProvider clock)
{
    private const int PieceBytes = 128 * 1024;

    // What was imported as it is: it is not read again.
    private readonly Dictionary<string, (long Size, DateTime Modified)> _known = new(StringComparer.Ordinal);

    /// <summary>Files of the folder that are imported, in their order.</summary>
    public List<string> List() => [.. Directory.EnumerateFiles(root, "*", new EnumerationOptions
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint,
    }).Order(StringComparer.Ordinal)];

    /// <summary>Imports what is new or has changed.</summary>
    /// <param name="files">Of <see cref="List"/>.</param>
    /// <param name="quiet">A file that changed less than this ago is left for later; zero: none is.</param>
    /// <param name="restoresTrashed">Whether a file whose asset is in the trash is added again.</param>
    /// <param name="imported">Called for each file.</param>
    /// <param name="cancellationToken">Ends it between two files, or within one.</param>
    /// <returns>Files that were left out, since they are being written, or cannot be read.</returns>
    /// <exception cref="EdgeSyncException">The service does not answer, or refuses.</exception>
    public async Task<int> ImportAsync(
        IReadOnlyList<string> files, TimeSpan quiet, bool restoresTrashed, Action<ImportedFile> imported,
        CancellationToken cancellationToken)
    {
        var left = 0;
        foreach (var gone in _known.Keys.Except(files, StringComparer.Ordinal).ToList()) _known.Remove(gone);
        foreach (var file in files)
        {
            if (StateOf(file) is not { } state || (_known.TryGetValue(file, out var known) && known == state)) continue;
            // A time in the future does not mean that somebody writes.
            if (clock.GetUtcNow().UtcDateTime - state.Modified is var age && age < quiet && age > -quiet)
            {
                left++;
                continue;
            }

            if (await ImportAsync(file, state, restoresTrashed, cancellationToken) is { } result)
            {
                _known[file] = state;
                imported(result);
            }
            else
            {
                left++;
            }
        }

        return left;
    }

    // Null: it has changed meanwhile, or cannot be read.
    private async Task<ImportedFile?> ImportAsync(
        string file, (long Size, DateTime Modified) state, bool restoresTrashed, CancellationToken cancellationToken)
    {
        var timestamp = Math.Clamp(
            new DateTimeOffset(state.Modified).ToUnixTimeMilliseconds(), 0, AssetFileName.TimestampMax);
        try
        {
            var hash = await HashAsync(file, timestamp, cancellationToken);
            if (StateOf(file) != state) return null;
            if (await client.TryFindAsync(hash, cancellationToken) is { } known
                && !(known.IsTrashed && restoresTrashed))
                return new ImportedFile(file, hash, state.Size, true);

            var folder = Path.GetDirectoryName(Path.GetRelativePath(root, file))!.Replace('\\', '/');
            await using var content = Open(file);
            var stored = await client.PutAsync(
                content, Path.GetFileName(file),
                details with
                {
                    Path = folder.Length > 0 ? $"/{folder}/" : "/",
                    Timestamp = timestamp,
                    Hash = hash,
                },
                cancellationToken);
            return new ImportedFile(file, stored.Hash, stored.Size, stored.AlreadyExisted);
        }
        catch (EdgeSyncException e) when (e.Kind == ErrorKind.Conflict)
        {
            return null;
        }
        catch (Exception e) when (e is IOException and not HttpIOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static async Task<string> HashAsync(string file, long timestamp, CancellationToken cancellationToken)
    {
        await using var content = Open(file);
        using var hasher = new AssetHasher(timestamp);
        var buffer = new byte[PieceBytes];
        int read;
        while ((read = await content.ReadAsync(buffer, cancellationToken)) > 0) hasher.Append(buffer.AsSpan(0, read));
        return hasher.Finish().ToString();
    }

    private static FileStream Open(string file) => new(
        file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0, FileOptions.SequentialScan);

    private static (long Size, DateTime Modified)? StateOf(string file)
    {
        var info = new FileInfo(file);
        return info.Exists ? (info.Length, info.LastWriteTimeUtc) : null;
    }
}
