using EdgeSync.Primitives;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Sync;

/// <summary>
/// The file that a clone fills. It has a name of its own beside the final one until everything is received, verified
/// and linked: a process that opens the repository finds a complete one or none, and the same command resumes an
/// interrupted run.
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

    /// <summary>The path until it is complete.</summary>
    public string PartialPath => PartialPathOf(_path);

    public static string PartialPathOf(string path) => path + ".part";

    /// <summary>Creates the file, or opens the rest of an interrupted run.</summary>
    /// <exception cref="EdgeSyncException">The final name exists.</exception>
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

    /// <summary>Closes it and gives it its final name, durably.</summary>
    public void Complete()
    {
        Repository.Dispose();
        DurableFile.Move(PartialPath, _path);
    }

    /// <summary>
    /// Closes it for another attempt to resume. False: nothing useful had arrived, and it is removed.
    /// </summary>
    public bool Abandon()
    {
        var hasContent = Repository.Database.QueryInt64("SELECT count(*) FROM blob WHERE size>=0") > 0;
        Repository.Dispose();
        if (!hasContent) File.Delete(PartialPath);
        return hasContent;
    }

    /// <summary>
    /// Closes and removes it: a server that denies access may have sent something all the same, which is not the start
    /// of a clone.
    /// </summary>
    public void Discard()
    {
        Repository.Dispose();
        File.Delete(PartialPath);
    }

    public void Dispose() => Repository.Dispose();
}
