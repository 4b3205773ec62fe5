using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>Files named by the user: errors name them as given.</summary>
internal static class InputFile
{
    /// <summary><c>-</c> is standard input.</summary>
    public static Stream OpenRead(string path)
    {
        if (path == "-") return Console.OpenStandardInput();

        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EdgeSyncException(ErrorKind.NotFound, $"{path} does not exist", "check the path", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new EdgeSyncException(
                ErrorKind.System,
                Directory.Exists(path) ? $"{path} is a folder, and a file is needed" : $"{path} cannot be read: "
                    + $"permission denied", "check the path and its permissions", e);
        }
    }

    public static byte[] ReadAll(string path)
    {
        using var stream = OpenRead(path);
        if (stream.CanSeek)
        {
            if (stream.Length > Array.MaxLength)
                throw new EdgeSyncException(ErrorKind.System, $"{path} is larger than {Array.MaxLength} bytes");

            var bytes = new byte[stream.Length];
            var read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return read == bytes.Length ? bytes : bytes[..read];
        }

        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    /// <summary>Writes a whole file, or (without a name) to stdout.</summary>
    public static void WriteAll(string? path, ReadOnlySpan<byte> bytes, Printing.Output output)
    {
        if (path is null or "-")
        {
            output.Raw.Write(bytes);
            return;
        }

        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        file.Write(bytes);
    }
}
