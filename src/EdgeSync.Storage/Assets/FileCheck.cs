using EdgeSync.Can.Assets;

namespace EdgeSync.Storage.Assets;

/// <summary>Hashes files.</summary>
internal static class FileCheck
{
    private const int PieceBytes = 128 * 1024;

    /// <summary>The hash of a file with a timestamp; null when it cannot be read.</summary>
    public static AssetHash? HashOf(string path, long timestampMs)
    {
        try
        {
            using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
            using var hasher = new AssetHasher(timestampMs);
            var buffer = new byte[PieceBytes];
            for (var at = 0L; ;)
            {
                var read = RandomAccess.Read(file, buffer, at);
                if (read == 0) return hasher.Finish();

                hasher.Append(buffer.AsSpan(0, read));
                at += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>As the other; waits after each piece, so that the reading keeps to a rate.</summary>
    public static async Task<AssetHash?> HashOfAsync(
        string path, long timestampMs, Func<int, Task> paceAsync, CancellationToken cancellationToken)
    {
        try
        {
            using var file = File.OpenHandle(path, options: FileOptions.Asynchronous | FileOptions.SequentialScan);
            using var hasher = new AssetHasher(timestampMs);
            var buffer = new byte[PieceBytes];
            for (var at = 0L; ;)
            {
                var read = await RandomAccess.ReadAsync(file, buffer, at, cancellationToken);
                if (read == 0) return hasher.Finish();

                hasher.Append(buffer.AsSpan(0, read));
                at += read;
                await paceAsync(read);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
