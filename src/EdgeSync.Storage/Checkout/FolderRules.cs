using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Glob;

namespace EdgeSync.Storage.Checkout;

/// <summary>
/// Which files of a folder belong into a check-in, as stock's <c>add</c> decides:
/// <code>
/// reserved    the open repository with its side files, checkout databases, folders of version control      never
/// ignored what ignore-glob names, and names with a dot in front (unless the setting dotfiles is on) only when tracked
/// already
/// </code>
/// Settings come from <c>.fossil-settings</c> in the folder, else from the repository.
/// </summary>
public sealed class FolderRules
{
    private static readonly NameGlob VersionControl = new(".git,.hg,.svn,*/.git,*/.hg,*/.svn");
    private static readonly string[] SideFiles = [
        "", "-wal", "-shm", "-journal", ".part", ".part-wal", ".part-shm", ".part-journal"];

    private static readonly string[] None = [];

    private readonly NameGlob _ignored;
    private readonly bool _takesDotFiles;
    private readonly IReadOnlyCollection<string> _made;
    private readonly HashSet<string> _ofRepository;
    private readonly string _spools;
    private readonly (ulong Device, ulong Inode) _repository;
    private readonly Func<string, bool> _isTracked;
    private readonly Lazy<HashSet<string>> _trackedFolders;

    /// <param name="ignore">More globs than the settings have.</param>
    /// <param name="tracked">The files of the previous check-in; of these nothing is ignored.</param>
    public FolderRules(
        DiskFolder disk, FolderSettings settings, IEnumerable<string> ignore, IReadOnlyCollection<string> tracked)
        : this(
            disk, settings.RepositoryPath,
            new NameGlob([.. ignore, Versioned(disk, "ignore-glob") ?? settings.IgnoreGlob ?? ""]),
            Versioned(disk, "dotfiles") is { } text ? Storage.Settings.IsTrue(text) : settings.TakesDotFiles, tracked)
    {
    }

    /// <param name="disk">The folder.</param>
    /// <param name="repositoryPath">The repository, whether or not it lies in the folder.</param>
    /// <param name="ignored">What is left out.</param>
    /// <param name="takesDotFiles">Also what has a dot in front.</param>
    /// <param name="tracked">Nothing of this is ignored.</param>
    /// <param name="made">Names at the top that the checkout makes itself, as <c>manifest.uuid</c>.</param>
    public FolderRules(
        DiskFolder disk, string repositoryPath, NameGlob ignored, bool takesDotFiles,
        IReadOnlyCollection<string> tracked, IReadOnlyCollection<string>? made = null)
    {
        var names = tracked as IReadOnlySet<string> ?? tracked.ToHashSet(StringComparer.Ordinal);
        _isTracked = names.Contains;
        _trackedFolders = new(() => FoldersOf(names));
        _ignored = ignored;
        _takesDotFiles = takesDotFiles;
        _made = made ?? None;

        // The same folder may be reached by several paths.
        var repository = RealPath.Of(repositoryPath);
        var name = Path.GetRelativePath(RealPath.Of(disk.FullPath), repository).Replace('\\', '/');
        _ofRepository = SideFiles.Select(suffix => PathText.Of(Encoding.UTF8.GetBytes(name + suffix)))
            .ToHashSet(StringComparer.Ordinal);
        _spools = PathText.Of(Encoding.UTF8.GetBytes(name + ContentSpool.Suffix));
        using var folder = DiskFolder.Open(Path.GetDirectoryName(repository)!);
        _repository = folder.Find(PathText.Of(Encoding.UTF8.GetBytes(Path.GetFileName(repository))))?.Identity
            ?? default;
    }

    /// <summary>Never part of a check-in, not even when named.</summary>
    public bool IsReserved(string name) =>
        _ofRepository.Contains(name) || name.StartsWith(_spools, StringComparison.Ordinal)
        || _made.Contains(name) || VersionControl.Matches(name) || PathName.IsReserved(PathText.ToBytes(name))
        || name.AsSpan(name.LastIndexOf('/') + 1).StartsWith(DiskFolder.TemporaryPrefix, StringComparison.Ordinal);

    /// <summary>As above; also the repository under another name.</summary>
    public bool IsReserved(DiskEntry entry) =>
        IsReserved(entry.Name) || (entry.Identity != default && entry.Identity == _repository);

    /// <summary>Omitted from a scan of the folder, unless it is in the check-in already.</summary>
    /// <param name="from">The folder that was named: its own name does not count.</param>
    public bool IsIgnored(string name, string from) =>
        !_isTracked(name) && (_ignored.Matches(name) || (!_takesDotFiles && HasDot(name, from)));

    /// <summary>Whether a change of this name may matter.</summary>
    public bool MayMatter(string name) =>
        !IsReserved(name) && (!IsIgnored(name, "") || _trackedFolders.Value.Contains(name));

    internal bool Enters(string folder, string from) =>
        !IsIgnored(folder, from) || _trackedFolders.Value.Contains(folder);

    private static bool HasDot(string name, string from)
    {
        for (var start = from.Length == 0 ? 0 : from.Length + 1; start < name.Length;)
        {
            if (name[start] == '.') return true;

            var slash = name.IndexOf('/', start);
            if (slash < 0) break;
            start = slash + 1;
        }

        return false;
    }

    private static HashSet<string> FoldersOf(IEnumerable<string> names)
    {
        var folders = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names)
            for (var end = name.LastIndexOf('/'); end > 0
                && folders.Add(name[..end]); end = name.LastIndexOf('/', end - 1))
                ;
        return folders;
    }

    private static string? Versioned(DiskFolder disk, string setting)
    {
        try
        {
            if (disk.Find($".fossil-settings/{setting}") is not { Kind: DiskKind.Regular }) return null;

            using var stream = disk.OpenRead($".fossil-settings/{setting}");
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // the repository's own setting holds
        }
    }
}

/// <summary>The settings of a repository about folders.</summary>
public sealed record FolderSettings(string RepositoryPath, string? IgnoreGlob, bool TakesDotFiles)
{
    public static FolderSettings Of(Repository repository) =>
        new(repository.Path, repository.Settings["ignore-glob"], repository.Settings.Boolean("dotfiles"));
}
