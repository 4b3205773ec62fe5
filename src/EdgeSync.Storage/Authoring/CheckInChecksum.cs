using System.Buffers;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Primitives;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Authoring;

/// <summary>
/// The R card of a file list. It needs the content of every file, in order, so it is most of the cost of a commit. Full
/// texts (most files of a tip) are fetched here in stored form and inflated by the other cores, a bounded number of
/// bytes ahead; the MD5 itself is sequential.
/// </summary>
internal static class CheckInChecksum
{
    // Small trees are done before the helpers have started.
    private const int ParallelFilesMin = 32;
    private const long AheadBytesMax = 8 * 1024 * 1024;

    public static byte[] Compute(Repository repository, IReadOnlyList<FileDraft> files)
    {
        var checksum = new RepositoryChecksum();
        if (files.Count < ParallelFilesMin || Environment.ProcessorCount < 2)
            ComputeSerially(repository, files, checksum);
        else ComputeInParallel(repository, files, checksum);
        return checksum.Finish();
    }

    private static void ComputeSerially(
        Repository repository, IReadOnlyList<FileDraft> files, RepositoryChecksum checksum)
    {
        foreach (var file in files)
        {
            using var content = repository.Content.Get(file.Id);
            checksum.Add(file.Name.Span, content.Span);
        }
    }

    private static void ComputeInParallel(
        Repository repository, IReadOnlyList<FileDraft> files, RepositoryChecksum checksum)
    {
        var window = new Queue<(FileDraft File, Task<ArtifactContent> Content, long Bytes)>();
        var ahead = 0L;
        try
        {
            using var select = repository.Database.Prepare(
                "SELECT blob.rid, size, srcid, content FROM blob LEFT JOIN delta ON delta.rid=blob.rid WHERE uuid=?1");
            foreach (var file in files)
            {
                var hasRow = select.Reset().Bind(1, file.Id).Step();
                var size = hasRow ? select.Int64(1) : -1;
                while (window.Count > 0 && ahead + size > AheadBytesMax) TakeOne();

                window.Enqueue((file, Fetch(repository, file.Id, select, size), size));
                ahead += size;
            }

            while (window.Count > 0) TakeOne();
        }
        finally
        {
            foreach (var (_, content, _) in window)
            {
                content.ContinueWith(
                    static done => { if (done.IsCompletedSuccessfully) done.Result.Dispose(); },
                    CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }

        void TakeOne()
        {
            var (file, task, bytes) = window.Dequeue();
            ahead -= bytes;
            using var content = task.GetAwaiter().GetResult();
            checksum.Add(file.Name.Span, content.Span);
        }
    }

    private static Task<ArtifactContent> Fetch(Repository repository, ArtifactId id, Statement row, long size)
    {
        // Only this thread may use the connection. Deltas need more rows, so they are expanded here.
        if (size is < 0 or > AheadBytesMax || !row.IsNull(2)) return Task.FromResult(repository.Content.Get(id));

        var stored = row.Bytes(3);
        var copy = ArrayPool<byte>.Shared.Rent(stored.Length);
        stored.CopyTo(copy);
        var length = stored.Length;
        return Task.Run(() =>
        {
            var content = ArtifactContent.Rent((int)size);
            var isGood = BlobCodec.TryDecode(
                Inflater.OfThisThread, copy.AsSpan(0, length), content.Room, out var written, out _)
                && written == size;
            ArrayPool<byte>.Shared.Return(copy);
            if (isGood) return content;

            content.Dispose();
            throw new EdgeSyncException(
                ErrorKind.Corrupt, $"artifact {id} of {repository.Path} does not inflate",
                $"edgesync repo verify -R {repository.Path}");
        });
    }
}
