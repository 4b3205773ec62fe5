using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// The file that a clone fills. It has a name of its own beside the final one until everything is there, verified and
/// linked: whoever looks for the repository finds a whole one or none, and the same command goes on with what a run
/// that was cut off left behind.
/// <code>
///   project.fossil.part  (with the log beside it, while it is filled)  ─Complete▶  project.fossil
/// </code>
/// </summary>
public sealed class CloneFile : IDisposable
{
    private readonly string _path;

    private CloneFile(string path, Repository repository, bool isResumed) =>
        (_path, Repository, IsResumed) = (path, repository, isResumed);

    public Repository Repository { get; }

    /// <summary>True if an earlier run began it.</summary>
    public bool IsResumed { get; }

    /// <summary>Where it is until it is whole.</summary>
    public string PartialPath => PartialPathOf(_path);

    public static string PartialPathOf(string path) => path + ".part";

    /// <summary>Creates the file, or opens what an interrupted run left of it.</summary>
    /// <exception cref="EdgeSyncException">There is a file of the final name.</exception>
    public static CloneFile Open(string path, RepositoryCreateOptions options)
    {
        if (File.Exists(path))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{path} exists already", "name a new file, or pull into this one");

        var partial = PartialPathOf(path);
        if (!File.Exists(partial) || Repository.RemoveStub(partial))
            return new CloneFile(path, Repository.CreateForClone(partial, options), isResumed: false);

        return new CloneFile(path, Repository.Open(partial, options), isResumed: true);
    }

    /// <summary>Closes it and gives it its name, which lasts from then on.</summary>
    public void Complete()
    {
        Repository.Dispose();
        DurableFile.Move(PartialPath, _path);
    }

    /// <summary>
    /// Closes it for another attempt to go on with. False: nothing of use had come, and it is removed.
    /// </summary>
    public bool Abandon()
    {
        var hasContent = Repository.Database.QueryInt64("SELECT count(*) FROM blob WHERE size>=0") > 0;
        Repository.Dispose();
        if (!hasContent) File.Delete(PartialPath);
        return hasContent;
    }

    /// <summary>
    /// Closes and removes it: a server that refuses us may have sent something all the same, which is no beginning of a
    /// clone.
    /// </summary>
    public void Discard()
    {
        Repository.Dispose();
        File.Delete(PartialPath);
    }

    public void Dispose() => Repository.Dispose();
}
