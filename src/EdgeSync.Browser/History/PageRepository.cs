using System.Text;
using EdgeSync.Browser.Store;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.History;

/// <summary>A file of a check-in.</summary>
public readonly record struct PageFile(string Name, ArtifactId Id, FilePermission Permission);

/// <summary>A change to commit.</summary>
/// <param name="Name">Path from the root, with slashes.</param>
/// <param name="Content">Null: the file is removed.</param>
public readonly record struct FileChange(string Name, byte[]? Content, FilePermission? Permission = null);

/// <summary>What is to be committed.</summary>
public sealed record CommitRequest
{
    public required string Comment { get; init; }

    public required string User { get; init; }

    public required IReadOnlyList<FileChange> Changes { get; init; }

    /// <summary>The branch; a new name begins one. Null: the parent's, or trunk.</summary>
    public string? Branch { get; init; }

    /// <summary>The check-in that is continued; null: the tip of the branch.</summary>
    public string? Parent { get; init; }
}

/// <summary>Versions and files of a store, and check-ins made here.</summary>
public sealed class PageRepository(PageStore store)
{
    private const string Trunk = "trunk";

    /// <summary>
    /// The check-in that a name means: <c>tip</c> (the newest of all), a branch, a tag, or the first digits of a hash.
    /// </summary>
    /// <exception cref="EdgeSyncException">There is none, or several.</exception>
    public CheckIn Resolve(string version)
    {
        var found = version == "tip"
            ? store.History.Newest
            : store.History.TipOf(version) ?? store.History.Tagged(version) ?? FindByHash(version);
        return found ?? throw new EdgeSyncException(
            ErrorKind.NotFound, $"no check-in is named '{version}'", "a branch, a tag, or the first digits of a hash");
    }

    /// <summary>The files of a check-in, by name.</summary>
    public IReadOnlyList<PageFile> Files(string version)
    {
        var files = new List<PageFile>();
        foreach (var file in FilesOf(Resolve(version).Id))
            files.Add(new PageFile(Encoding.UTF8.GetString(file.Name), file.Id, file.Permission));
        return files;
    }

    /// <summary>The content of a file in a check-in.</summary>
    /// <exception cref="EdgeSyncException">The check-in has no such file, or its content is not here.</exception>
    public ReadOnlyMemory<byte> Read(string version, string name)
    {
        var checkin = Resolve(version);
        if (FilesOf(checkin.Id).TryFind(Encoding.UTF8.GetBytes(name), out var file)) return store.Read(file.Id);

        throw new EdgeSyncException(
            ErrorKind.NotFound, $"check-in {checkin.Id.ToShortString()} has no file '{name}'", "list its files");
    }

    /// <summary>Makes a check-in; the next session sends it.</summary>
    /// <exception cref="EdgeSyncException">
    /// Usage: nothing changes, or a name is refused. Conflict: another check-in already continues the parent.
    /// </exception>
    public CheckIn Commit(CommitRequest request, Instant now)
    {
        RequireCloned();
        var parent = ParentOf(request);
        return store.Write(now, () => Add(ManifestOf(request, parent, now), parent));
    }

    /// <summary>
    /// Adds a file in a check-in that continues all of the given ones, with the files of all; without any, it is a root
    /// and begins the branch. Inside of a round.
    /// </summary>
    internal CheckIn Continue(
        IReadOnlyList<CheckIn> parents, string branch, string user, string comment, FileChange added, Instant now)
    {
        RequireCloned();
        var files = new SortedDictionary<string, FileDraft>(StringComparer.Ordinal);
        foreach (var parent in parents)
            foreach (var file in FilesOf(parent.Id))
                files.TryAdd(
                    Encoding.Latin1.GetString(file.Name), new FileDraft(file.Name.ToArray(), file.Id, file.Permission));
        Apply(added, files, []);
        return Add(
            new ArtifactDraft
            {
                Comment = ArtifactDraft.CheckInComment(comment),
                Date = DateAfter(parents, now),
                Files = [.. files.Values],
                Parents = [.. parents.Select(p => p.Id)],
                User = user,
                Tags = parents.Count > 0 ? [] : TagsFor(branch, null),
            },
            parents.Count > 0 ? parents[0] : null);
    }

    /// <summary>The files of a check-in; false while it, or its baseline, is not here.</summary>
    internal bool TryFilesOf(ArtifactId checkin, out ManifestFiles files)
    {
        files = default;
        if (!store.IsReadable(checkin)) return false;

        var manifest = Parse(checkin);
        if (!manifest.Baseline.IsEmpty && !store.IsReadable(manifest.Baseline)) return false;

        files = new ManifestFiles(manifest, manifest.Baseline.IsEmpty ? null : Parse(manifest.Baseline));
        return true;
    }

    private void RequireCloned()
    {
        if (store.CloneIsOpen || store.ProjectCode is null)
            throw new EdgeSyncException(ErrorKind.Unavailable, "the repository is not cloned yet", "clone it first");
    }

    private CheckIn Add(ArtifactDraft manifest, CheckIn? parent) =>
        store.History.Find(store.Add(manifest.ToBytes(), parent?.Id ?? default))!;

    // Spec: a check-in is not older than its parents, whatever this machine's clock says.
    private static Instant DateAfter(IEnumerable<CheckIn> parents, Instant now)
    {
        foreach (var parent in parents)
            if (now <= parent.Date)
                now = parent.Date + TimeSpan.FromMilliseconds(1);
        return now;
    }

    private CheckIn? FindByHash(string digits)
    {
        if (digits.Length < 4 || !LowerHex.IsHex(Encoding.UTF8.GetBytes(digits))) return null;

        var ids = store.FindByPrefix(digits).FindAll(id => store.History.Find(id) is not null);
        if (ids.Count > 1)
            throw new EdgeSyncException(
                ErrorKind.Ambiguous, $"several check-ins begin with {digits}", "give more digits");

        return ids.Count == 0 ? null : store.History.Find(ids[0]);
    }

    private CheckIn? ParentOf(CommitRequest request)
    {
        if (request.Parent is null)
            return store.History.TipOf(request.Branch ?? Trunk) ?? store.History.TipOf(Trunk) ?? store.History.Newest;

        var parent = Resolve(request.Parent);
        var branch = store.History.BranchOf(parent.Id);
        if ((request.Branch is null || request.Branch == branch) && !store.History.IsLeaf(parent.Id))
            throw new EdgeSyncException(
                ErrorKind.Conflict,
                $"another check-in already continues {parent.Id.ToShortString()} on {branch}",
                "read the tip, apply the change to it, and commit again; or name another branch");

        return parent;
    }

    private ArtifactDraft ManifestOf(CommitRequest request, CheckIn? parent, Instant now)
    {
        var files = new SortedDictionary<string, FileDraft>(StringComparer.Ordinal);
        var before = new Dictionary<string, ArtifactId>(StringComparer.Ordinal);
        if (parent is not null)
        {
            foreach (var file in FilesOf(parent.Id))
            {
                // Bytes as characters: any name stays as it is, in the order that manifests need.
                var key = Encoding.Latin1.GetString(file.Name);
                files[key] = new FileDraft(file.Name.ToArray(), file.Id, file.Permission);
                before[key] = file.Id;
            }
        }

        var isChanged = false;
        foreach (var change in request.Changes) isChanged |= Apply(change, files, before);
        var branch = parent is null ? null : store.History.BranchOf(parent.Id);
        var wanted = request.Branch ?? branch ?? Trunk;
        if (!isChanged && wanted == branch)
            throw new EdgeSyncException(ErrorKind.Usage, "nothing has changed", "give a file with another content");

        return new ArtifactDraft
        {
            Comment = ArtifactDraft.CheckInComment(request.Comment),
            Date = DateAfter(parent is null ? [] : [parent], now),
            Files = [.. files.Values],
            Parents = parent is null ? [] : [parent.Id],
            User = request.User,
            Tags = TagsFor(wanted, branch),
        };
    }

    private bool Apply(
        FileChange change, SortedDictionary<string, FileDraft> files, Dictionary<string, ArtifactId> before)
    {
        var name = Encoding.UTF8.GetBytes(change.Name);
        var key = Encoding.Latin1.GetString(name);
        if (change.Content is not { } content) return files.Remove(key);

        if (!PathName.IsSimpleStrict(name) || PathName.IsReserved(name))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{change.Name}' cannot be the name of a file in a repository",
                "a relative path with slashes, without '..'");

        var held = files.TryGetValue(key, out var old);
        var id = store.Add(content, before.GetValueOrDefault(key));
        var permission = change.Permission ?? (held ? old.Permission : FilePermission.Regular);
        files[key] = new FileDraft(name, id, permission);
        return !held || old.Id != id || old.Permission != permission;
    }

    private static TagDraft[] TagsFor(string wanted, string? branch)
    {
        if (wanted == branch) return [];

        var begin = new TagDraft(TagAction.Propagating, "branch", default, wanted);
        var symbol = new TagDraft(TagAction.Propagating, $"sym-{wanted}");
        return branch is null ? [begin, symbol] : [begin, symbol, new TagDraft(TagAction.Cancel, $"sym-{branch}")];
    }

    private ManifestFiles FilesOf(ArtifactId checkin)
    {
        var manifest = Parse(checkin);
        return new ManifestFiles(manifest, manifest.Baseline.IsEmpty ? null : Parse(manifest.Baseline));
    }

    private Artifact Parse(ArtifactId id) => ArtifactParser.TryParse(store.Read(id), out var artifact)
        ? artifact
        : throw new EdgeSyncException(
            ErrorKind.Corrupt, $"{id.ToShortString()} is not a check-in", "sync, then try again");
}
