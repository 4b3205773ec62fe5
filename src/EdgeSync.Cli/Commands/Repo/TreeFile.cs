using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>One file of a check-in, its name as text.</summary>
internal sealed record TreeFile(string Name, ArtifactId Id, FilePermission Permission)
{
    public static List<TreeFile> AllOf(CheckInTree tree)
    {
        var files = new List<TreeFile>();
        foreach (var file in tree.Files) files.Add(From(file));
        return files;
    }

    /// <exception cref="EdgeSyncException">The check-in has no such file.</exception>
    public static TreeFile Get(CheckInTree tree, string name, string version) =>
        tree.Files.TryFind(Encoding.UTF8.GetBytes(name), out var file)
            ? From(file)
            : throw new EdgeSyncException(ErrorKind.NotFound, $"{version} has no file '{name}'", $"edgesync repo ls {version}");

    private static TreeFile From(FileCard file) => new(Encoding.UTF8.GetString(file.Name), file.Id, file.Permission);
}
