using System.Globalization;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Storage.Archives;

/// <summary>What goes into an archive.</summary>
public sealed record ArchiveOptions
{
    /// <summary>The folder that everything is in; empty for none.</summary>
    public required string Folder { get; init; }

    /// <summary>Only files that it fits; null for all.</summary>
    public NameGlob? Include { get; init; }

    /// <summary>No files that it fits.</summary>
    public NameGlob? Exclude { get; init; }
}

/// <summary>The files of a check-in as an archive: the same entries, in the same order, as stock's.</summary>
// Spec: zip_of_checkin in zip.c, tarball_of_checkin in tar.c.
public sealed class CheckinArchive
{
    private readonly Repository _repository;
    private readonly RecordId _checkin;
    private readonly ArchiveOptions _options;
    private readonly CheckInTree _tree;

    public CheckinArchive(Repository repository, RecordId checkin, ArchiveOptions options)
    {
        (_repository, _checkin, _options) = (repository, checkin, options);
        _tree = CheckInTree.Load(repository, checkin);
    }

    /// <summary>The time of all entries: that of the check-in.</summary>
    public ArchiveTime Time => ArchiveTime.Of(_tree.Manifest.Date);

    /// <summary>Project, date and the beginning of the hash.</summary>
    public static string DefaultFolder(Repository repository, RecordId checkin)
    {
        var date = repository.DateOf(checkin)?.ToDateTime()
            .ToString("yyyy-MM-dd_HHmmss", CultureInfo.InvariantCulture);
        var project = (repository.Settings["project-name"] ?? "unnamed").Replace(' ', '_');
        return $"{project}_{date}_{repository.Content.NameOf(checkin).ToShortString()}";
    }

    /// <summary>Writes the archive; returns the names of its files, as <see cref="PathText"/>.</summary>
    /// <param name="writer">Null only lists.</param>
    public IReadOnlyList<string> Write(IArchiveWriter? writer)
    {
        var prefix = _options.Folder.Length == 0 ? [] : Encoding.UTF8.GetBytes(_options.Folder + "/");
        var names = new List<string>();
        var folders = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in ManifestNames().Where(IsIn))
        {
            var path = Listed(Encoding.UTF8.GetBytes(name));
            writer?.AddFile(path, FilePermission.Regular, ManifestContent(name));
        }

        foreach (var file in _tree.Files)
        {
            if (!IsIn(PathText.Of(file.Name)) || _repository.Content.Find(file.Id).IsNone) continue;

            var path = Listed(file.Name);
            if (writer is null) continue;

            using var content = _repository.Content.Get(file.Id);
            writer.AddFile(path, file.Permission, content.Span);
        }

        writer?.Finish();
        return names;

        byte[] Listed(ReadOnlySpan<byte> name)
        {
            byte[] path = [.. prefix, .. name];
            names.Add(PathText.Of(path));
            if (writer is not null) AddFolders(writer, path, folders);
            return path;
        }
    }

    private bool IsIn(string name) => (_options.Include is null || _options.Include.MatchesWhole(name))
        && _options.Exclude?.MatchesWhole(name) != true;

    // Each before the first file in it.
    private static void AddFolders(IArchiveWriter writer, byte[] path, HashSet<string> known)
    {
        for (var i = 1; i < path.Length; i++)
            if (path[i] == (byte)'/' && known.Add(PathText.Of(path.AsSpan(0, i)))) writer.AddFolder(path.AsSpan(0, i));
    }

    // The versioned setting is that of the check-in itself.
    private IEnumerable<string> ManifestNames()
    {
        var text = _repository.Settings["manifest"] ?? GlobalConfig.Get("manifest");
        if (_tree.Files.TryFind(".fossil-settings/manifest"u8, out var file)
            && !_repository.Content.Find(file.Id).IsNone)
        {
            using var content = _repository.Content.Get(file.Id);
            text = Encoding.UTF8.GetString(content.Span);
        }

        return ManifestSetting.Names(text);
    }

    private byte[] ManifestContent(string name)
    {
        switch (name)
        {
            case "manifest":
                using (var content = _repository.Content.Get(_checkin)) return content.Span.ToArray();

            case "manifest.uuid":
                return Encoding.ASCII.GetBytes(_repository.Content.NameOf(_checkin) + "\n");
            default:
                return Encoding.UTF8.GetBytes(CheckinDescription.TagList(_repository, _checkin));
        }
    }
}
