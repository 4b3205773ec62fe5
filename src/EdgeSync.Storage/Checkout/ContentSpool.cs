using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// The contents of files on their way into a check-in. They are read before the repository is locked, so that a slow
/// disk or network folder does not block other writers. Content that does not fit into memory goes into a file beside
/// the repository, which is unlinked as soon as it is open.
/// </summary>
public sealed class ContentSpool(string repositoryPath, int memoryBytesMax = ContentSpool.MemoryBytes) : IDisposable
{
    /// <summary>Of the file beside the repository, until it is unlinked.</summary>
    internal const string Suffix = "-spool-";

    private const int MemoryBytes = 8 << 20;
    private const int PieceBytes = 64 << 10;

    private FileStream? _file;
    private byte[]? _piece;
    private int _memoryBytes;
    private long _fileBytes;

    /// <summary>Reads a file to its end; the returned function gives the content, any number of times.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public Func<ReadOnlyMemory<byte>> Keep(Stream source)
    {
        var size = source.Length;
        if (size > Array.MaxLength) throw new IOException($"it is larger than {Array.MaxLength} bytes");
        if (size > memoryBytesMax - _memoryBytes) return KeepInFile(source);

        var content = new byte[size];
        var read = source.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return Keep(read == content.Length ? content : content[..read]);
    }

    public Func<ReadOnlyMemory<byte>> Keep(byte[] content)
    {
        _memoryBytes += content.Length;
        return () => content;
    }

    public void Dispose() => _file?.Dispose();

    private Func<ReadOnlyMemory<byte>> KeepInFile(Stream source)
    {
        _file ??= OpenFile();
        _piece ??= new byte[PieceBytes];
        var (start, end) = (_fileBytes, _fileBytes);
        for (int read; (read = source.Read(_piece)) > 0; end += read)
            RandomAccess.Write(_file.SafeFileHandle, _piece.AsSpan(0, read), end);
        _fileBytes = end;
        return () =>
        {
            var content = new byte[end - start];
            for (var done = 0; done < content.Length;)
                done += RandomAccess.Read(_file.SafeFileHandle, content.AsSpan(done), start + done) is var read and > 0
                ? read
                : throw new EndOfStreamException();
            return content;
        };
    }

    private FileStream OpenFile()
    {
        Span<byte> random = stackalloc byte[8];
        SystemEntropy.Instance.Fill(random);
        var path = $"{Path.GetFullPath(repositoryPath)}{Suffix}{Convert.ToHexStringLower(random)}";
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                BufferSize = 0,
                Options = FileOptions.DeleteOnClose
            };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            var file = new FileStream(path, options);
            if (!OperatingSystem.IsWindows()) File.Delete(path);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EdgeSyncException(
                ErrorKind.System, $"cannot create a file beside {repositoryPath}: {e.Message}", inner: e);
        }
    }
}
