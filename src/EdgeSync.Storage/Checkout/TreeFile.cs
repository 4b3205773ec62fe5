using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Storage.Checkout;

/// <summary>One file of a check-in, its name as <see cref="PathText"/>.</summary>
public sealed record TreeFile(string Name, ArtifactId Id, FilePermission Permission)
{
    public static List<TreeFile> AllOf(CheckInTree tree)
    {
        var files = new List<TreeFile>();
        foreach (var file in tree.Files) files.Add(From(file));
        return files;
    }

    /// <param name="name">As it is, or as <see cref="PathText"/>.</param>
    /// <exception cref="EdgeSyncException">The check-in has no such file.</exception>
    public static TreeFile Get(CheckInTree tree, string name, string version) =>
        tree.Files.TryFind(Encoding.UTF8.GetBytes(name), out var file)
        || tree.Files.TryFind(PathText.ToBytes(name), out file)
            ? From(file)
            : throw new EdgeSyncException(
                ErrorKind.NotFound, $"{version} has no file '{name}'", $"edgesync repo ls {version}");

    private static TreeFile From(FileCard file) => new(PathText.Of(file.Name), file.Id, file.Permission);
}
