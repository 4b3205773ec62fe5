using EdgeSync.Node.Notify;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// The default repository: going up from the current folder, that of a checkout, otherwise the only <c>*.fossil</c> of
/// a folder.
/// </summary>
internal static class RepositoryFinder
{
    /// <param name="folder">Where to begin.</param>
    /// <param name="known">The checkout of that folder, if it was looked for and found.</param>
    /// <exception cref="EdgeSyncException">None, or several in one folder.</exception>
    public static string Find(string folder, FoundCheckout? known = null)
    {
        for (var current = new DirectoryInfo(folder); current is not null; current = current.Parent)
        {
            if (known is not null ? known.Place.Root == current.FullName
                : CheckoutFinder.At(current.FullName) is { } place && (known = CheckoutFinder.Read(place)) is not null)
                return known.Repository;

            string[] files;
            try
            {
                // ".fossil" in a home folder is stock's own settings.
                files = [.. Directory.GetFiles(current.FullName, "*.fossil")
                    .Where(file => Path.GetFileName(file) != ".fossil")];
            }
            catch (UnauthorizedAccessException)
            {
                continue;   // a folder above without list permission is skipped
            }

            // Messages are kept beside the repository that they are about.
            if (files.Length > 1) files = [.. files.Where(file => !NotifyPlace.IsOne(file))];
            if (files.Length == 1) return files[0];
            if (files.Length > 1)
            {
                Array.Sort(files, StringComparer.Ordinal);
                throw new EdgeSyncException(
                    ErrorKind.Ambiguous, $"{current.FullName} has {files.Length} repositories", "name one: -R FILE")
                {
                    Candidates = files,
                };
            }
        }

        throw new EdgeSyncException(
            ErrorKind.NotFound, $"no repository in {folder} or above: neither a checkout nor a *.fossil file",
            "name one: -R FILE");
    }

    /// <summary>The checkout that a folder is in, or null.</summary>
    public static FoundCheckout? CheckoutAt(string folder) =>
        CheckoutFinder.Find(folder) is { } place ? CheckoutFinder.Read(place) : null;
}
