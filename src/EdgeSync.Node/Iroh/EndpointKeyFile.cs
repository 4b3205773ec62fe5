using System.Security.Cryptography;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Joining;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Iroh;

/// <summary>
/// The secret key of an iroh endpoint: 32 raw bytes that only their owner can read, as the original keeps them.
/// </summary>
public static class EndpointKeyFile
{
    private const UnixFileMode OthersMask = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>
    /// The key in the file; a new one is created with the file when it is absent. A file that others can read, as the
    /// original leaves it, is closed to them if that is possible.
    /// </summary>
    /// <exception cref="EdgeSyncException">The file cannot be read or written, or holds no key.</exception>
    public static SecretKey Ensure(string path)
    {
        byte[] seed = [];
        try
        {
            if (!File.Exists(path)) Create(path);
            else CloseToOthers(path);
            seed = ReadSeed(path);
            return new SecretKey(seed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EdgeSyncException(
                ErrorKind.System, $"cannot use the key file {path}: {e.Message}", "check the path", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(seed);
        }
    }

    private static void Create(string path)
    {
        var seed = RandomNumberGenerator.GetBytes(SecretKey.SeedBytes);
        PrivateFile.Create(path, seed);
        CryptographicOperations.ZeroMemory(seed);
    }

    private static byte[] ReadSeed(string path)
    {
        using var stream = File.OpenRead(path);
        if (stream.Length != SecretKey.SeedBytes)
            throw new EdgeSyncException(
                ErrorKind.Corrupt,
                $"the key file {path} has {stream.Length} bytes; a key has {SecretKey.SeedBytes}",
                "restore it from a backup, or remove it: a new key is a new endpoint id");

        var seed = new byte[SecretKey.SeedBytes];
        stream.ReadExactly(seed);
        return seed;
    }

    private static void CloseToOthers(string path)
    {
        if (OperatingSystem.IsWindows()) return;

        try
        {
            var mode = File.GetUnixFileMode(path);
            if ((mode & OthersMask) != 0) File.SetUnixFileMode(path, mode & ~OthersMask);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A mounted secret has another owner, who has set its mode.
        }
    }
}
