using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Checkout;

/// <summary>Where a checkout is: its top folder and its database.</summary>
/// <param name="Root">Full path, without a slash at the end.</param>
/// <param name="DatabasePath">A file in it.</param>
public sealed record CheckoutPlace(string Root, string DatabasePath);

/// <summary>A checkout, from its database.</summary>
/// <param name="Place">Its top folder.</param>
/// <param name="Repository">Full path of its repository.</param>
/// <param name="Version">The check-in that is checked out; none in an empty checkout.</param>
/// <param name="DefaultUser">The user that <c>fossil user default</c> has set for it, or null.</param>
public sealed record FoundCheckout(CheckoutPlace Place, string Repository, RecordId Version, string? DefaultUser);

/// <summary>Finds the checkout that a folder belongs to, going up as stock does.</summary>
public static class CheckoutFinder
{
    /// <summary>What a new checkout database is called here.</summary>
    public static string NewName => OperatingSystem.IsWindows() ? "_FOSSIL_" : ".fslckout";

    // Spec: db_open_local_v2 in db.c, in this order.
    private static readonly string[] Names = ["_FOSSIL_", ".fslckout", ".fos"];

    private const int FileBytesMin = 4096;
    private const int PageBytes = 1024;

    /// <summary>The nearest checkout, or null.</summary>
    public static CheckoutPlace? Find(string folder)
    {
        for (var current = new DirectoryInfo(folder); current is not null; current = current.Parent)
            if (At(current.FullName) is { } place) return place;
        return null;
    }

    /// <summary>The checkout whose top this folder is, or null.</summary>
    public static CheckoutPlace? At(string folder)
    {
        foreach (var name in Names)
        {
            var path = Path.Combine(folder, name);
            if (IsDatabase(path)) return new CheckoutPlace(folder, path);
        }

        return null;
    }

    /// <summary>Reads the database of a checkout, without opening its repository; null when it names none.</summary>
    public static FoundCheckout? Read(CheckoutPlace place)
    {
        using var database = Database.Open(place.DatabasePath, new DatabaseOptions { Access = DatabaseAccess.Read });
        var tables = new CheckoutTables(database);
        return tables["repository"] is { Length: > 0 } path
            ? new FoundCheckout(
                place, Path.GetFullPath(path, place.Root), tables.Version, tables["default-user"])
            : null;
    }

    // Spec: isValidLocalDb in db.c.
    private static bool IsDatabase(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.Length < FileBytesMin || file.Length % PageBytes != 0) return false;

            using var stream = new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
            Span<byte> head = stackalloc byte[16];
            return stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) == head.Length
                && head.SequenceEqual("SQLite format 3\0"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;   // a folder above that we may not look into has nothing for us
        }
    }
}
