using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Authoring;

/// <summary>Which form of manifest a check-in is written in.</summary>
public enum ManifestForm
{
    /// <summary>
    /// Differences to a baseline if that is much shorter, the repository has delta manifests already, and no setting
    /// forbids them: as stock decides.
    /// </summary>
    Automatic,

    /// <summary>All files.</summary>
    Full,

    /// <summary>Differences, however long.</summary>
    Delta,
}

/// <summary>What happens to one file in a check-in.</summary>
public sealed record FileChange
{
    private FileChange(string name) => Name = name;

    /// <summary>Path in the tree, with slashes, as <see cref="PathText"/>.</summary>
    public string Name { get; }

    internal FileChangeKind Kind { get; private init; }

    internal Func<ReadOnlyMemory<byte>>? Open { get; private init; }

    internal ArtifactId Source { get; private init; }

    internal FilePermission? Permission { get; private init; }

    /// <summary>
    /// Of a rename, where the file is. Of a content, the old name that the manifest tells; the parent need not have it.
    /// </summary>
    internal string? OldName { get; init; }

    /// <summary>New content, of a new file or an old one. Without a permission an old file keeps its own.</summary>
    public static FileChange Put(string name, ReadOnlyMemory<byte> content, FilePermission? permission = null) =>
        Put(name, () => content, permission);

    /// <summary>
    /// As the other overload, for content that is fetched when it is stored, so that one file at a time is in memory.
    /// </summary>
    public static FileChange Put(string name, Func<ReadOnlyMemory<byte>> open, FilePermission? permission = null) =>
        new(name) { Kind = FileChangeKind.Put, Open = open, Permission = permission };

    /// <summary>A file whose content the repository has already.</summary>
    public static FileChange Use(string name, ArtifactId content, FilePermission? permission = null) =>
        new(name) { Kind = FileChangeKind.Put, Source = content, Permission = permission };

    /// <summary>A symbolic link.</summary>
    public static FileChange Link(string name, string target) =>
        Put(name, Encoding.UTF8.GetBytes(target), FilePermission.Symlink);

    public static FileChange Remove(string name) => new(name) { Kind = FileChangeKind.Remove };

    /// <summary>
    /// Moves a file; a <see cref="Put(string, ReadOnlyMemory{byte}, FilePermission?)"/> of the new name may follow.
    /// </summary>
    public static FileChange Rename(string oldName, string newName) =>
        new(newName) { Kind = FileChangeKind.Rename, OldName = oldName };

    public static FileChange SetPermission(string name, FilePermission permission) =>
        new(name) { Kind = FileChangeKind.SetPermission, Permission = permission };
}

internal enum FileChangeKind
{
    Put,
    Remove,
    Rename,
    SetPermission,
}

/// <summary>A check-in to be created: the parent's files with some changes.</summary>
public sealed record CommitOptions
{
    /// <summary>
    /// The primary parent. None creates a root, with branch tags, as the first check-in of a repository.
    /// </summary>
    public RecordId Parent { get; init; }

    /// <summary>
    /// The parent is the end of <see cref="Branch"/>, or of the main branch, and is found inside the transaction: when
    /// another check-in lands first, this one follows it.
    /// </summary>
    public bool FollowsBranch { get; init; }

    /// <summary>The user in the U card.</summary>
    public required string User { get; init; }

    /// <summary>Empty becomes <c>(no comment)</c>.</summary>
    public string Comment { get; init; } = "";

    /// <summary>By default now.</summary>
    public Instant? Date { get; init; }

    /// <summary>Applied in this order to the parent's files.</summary>
    public IReadOnlyList<FileChange> Changes { get; init; } = [];

    /// <summary>Other parents, whose changes are merged into this.</summary>
    public IReadOnlyList<RecordId> MergedParents { get; init; } = [];

    /// <summary>Merged parents whose branches this ends: they are closed if they are leaves.</summary>
    public IReadOnlyList<RecordId> IntegratedParents { get; init; } = [];

    /// <summary>Changes merged from, or backed out of, other check-ins.</summary>
    public IReadOnlyList<CherrypickCard> Cherrypicks { get; init; } = [];

    /// <summary>Starts a branch of this name.</summary>
    public string? Branch { get; init; }

    /// <summary>Colour of the new branch.</summary>
    public string? BranchColor { get; init; }

    /// <summary>Colour of this check-in alone.</summary>
    public string? Color { get; init; }

    /// <summary>Tags on this check-in alone.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Closes the branch with this check-in.</summary>
    public bool Closes { get; init; }

    public string? Mimetype { get; init; }

    /// <summary>Never sent to a peer. A private parent makes it private anyway.</summary>
    public bool IsPrivate { get; init; }

    public ManifestForm Form { get; init; }

    /// <summary>Write the checksum over all files; by default the setting <c>repo-cksum</c> decides.</summary>
    public bool? WritesChecksum { get; init; }

    /// <summary>Commit although nothing changed.</summary>
    public bool AllowsEmpty { get; init; }

    /// <summary>Commit although the parent has a child on the branch already.</summary>
    public bool AllowsFork { get; init; }

    /// <summary>Commit although the parent is not older.</summary>
    public bool AllowsOlder { get; init; }

    /// <summary>When a parent is dated later than this check-in would be, it is dated just after it.</summary>
    public bool IsDatedAfterParents { get; init; }

    /// <summary>Accept the name of an open branch.</summary>
    public bool AllowsSameBranch { get; init; }
}

/// <summary>A check-in, tag, page or ticket change that was created.</summary>
public readonly record struct AuthoredArtifact(RecordId Rid, ArtifactId Id);
