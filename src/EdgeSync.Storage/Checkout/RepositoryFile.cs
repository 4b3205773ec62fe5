using System.Text;
using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.Storage.Checkout;

/// <summary>Compares a repository's file with others.</summary>
public static class RepositoryFile
{
    /// <summary>True when both paths reach one existing file, also through symbolic or hard links.</summary>
    public static bool IsSame(string one, string other)
    {
        if (!File.Exists(one) || !File.Exists(other)) return false;

        var (realOne, realOther) = (RealPath.Of(one), RealPath.Of(other));
        return realOne == realOther || (IdentityOf(realOne) is { } identity && identity == IdentityOf(realOther));
    }

    // Null where the system has no inode numbers.
    private static (ulong Device, ulong Inode)? IdentityOf(string path)
    {
        using var folder = DiskFolder.Open(Path.GetDirectoryName(path)!);
        var identity = folder.Find(PathText.Of(Encoding.UTF8.GetBytes(Path.GetFileName(path))))?.Identity ?? default;
        return identity == default ? null : identity;
    }
}
