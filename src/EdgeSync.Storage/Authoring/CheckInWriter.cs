using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Queries;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Authoring;

/// <summary>
/// Creates check-ins as stock's <c>commit</c> and <c>branch new</c> do: rejects the doubtful ones (nothing changed, a
/// fork, a closed branch, a date before the parent's), writes the files, the manifest and all rows in one transaction.
/// </summary>
internal sealed class CheckInWriter(Repository repository)
{
    // Spec: schema.c, the fixed numbers of internal tags.
    private const int BranchTag = 8;
    private const int ClosedTag = 9;

    private const string PrivateBranch = "private";
    private const string PrivateColor = "#fec084";

    private readonly ArtifactAuthor _author = new(repository);

    private Database Database => repository.Database;

    public AuthoredArtifact Commit(CommitOptions options)
    {
        using var transaction = repository.Begin();
        _author.SignIn(options.User);
        if (options.FollowsBranch) options = OnBranch(options);
        var parent = options.Parent.IsNone ? null : CheckInTree.Load(repository, options.Parent);
        var isParentPrivate = parent is not null && repository.Content.IsPrivate(options.Parent);
        var isPrivate = options.IsPrivate || isParentPrivate;
        options = WithDefaultBranch(options, isPrivate && !isParentPrivate);

        RequireBranchIsFree(options);
        RequireNoFork(options, isPrivate);
        RequireOpen(options);
        var date = _author.DateOr(options.Date);
        if (options.IsDatedAfterParents) date = After(options, date);
        else if (!options.AllowsOlder) RequireNewerThanParent(options, date);

        var files = Apply(options, parent, isPrivate, out var hasChanged);
        if (!hasChanged && !options.AllowsEmpty && options.MergedParents.Count + options.IntegratedParents.Count == 0
            && parent is not null)
            throw new EdgeSyncException(ErrorKind.Conflict, "nothing has changed", "--allow-empty commits anyway");

        var draft = Draft(options, parent, files, date, isPrivate);
        if (!isPrivate) Publish(files);
        var made = _author.Store(draft, ArtifactKind.CheckIn, isPrivate, isUnsent: true);
        transaction.Commit();
        return made;
    }

    /// <summary>What stands against a check-in before its files are read: the branch, a fork, a closed leaf.</summary>
    public void RequirePlace(CommitOptions options)
    {
        var isParentPrivate = !options.Parent.IsNone && repository.Content.IsPrivate(options.Parent);
        var isPrivate = options.IsPrivate || isParentPrivate;
        options = WithDefaultBranch(options, isPrivate && !isParentPrivate);
        RequireBranchIsFree(options);
        RequireNoFork(options, isPrivate);
        RequireOpen(options);
    }

    /// <summary>An empty check-in that starts a branch: the parent's cards with other tags.</summary>
    public AuthoredArtifact CreateBranch(BranchOptions options)
    {
        using var transaction = repository.Begin();
        _author.SignIn(options.User);
        if (options.Name.Length == 0) throw new EdgeSyncException(ErrorKind.Usage, "a branch needs a name");
        RequireBranchIsFree(options.Name);

        var parent = CheckInTree.Load(repository, options.Parent);
        var isPrivate = options.IsPrivate || repository.Content.IsPrivate(options.Parent);
        var color = options.Color ?? (isPrivate ? PrivateColor : null);
        var tags = BranchTags(options.Name, color);

        // Spec: branch.c: all symbolic tags of the parent end here, those on it alone too.
        tags.AddRange(SymbolicTagsOf(options.Parent, onlyPropagating: false)
            .Select(name => new TagDraft(TagAction.Cancel, CardText.Of(name))));

        var manifest = ArtifactDraft.From(parent.Manifest);
        var made = _author.Store(
            new ArtifactDraft
            {
                Baseline = manifest.Baseline,
                Comment = options.Comment is { Length: > 0 } comment
                ? comment
                : $"Create new branch named \"{options.Name}\"",
                Date = _author.DateOr(options.Date),
                Files = [.. manifest.Files.Select(file => file with { OldName = default })],
                Parents = [repository.Content.NameOf(options.Parent)],
                RepositoryChecksum = manifest.RepositoryChecksum,
                Tags = tags,
                User = options.User,
            },
            ArtifactKind.CheckIn,
            isPrivate,
            isUnsent: true);
        transaction.Commit();
        return made;
    }

    // An existing branch is continued; otherwise the name is that of a new one.
    private CommitOptions OnBranch(CommitOptions options)
    {
        var (end, newBranch) = Branches.Target(repository, options.Branch, isOpenOnly: true);
        return options with { Parent = end, Branch = newBranch };
    }

    // ---- Checks ----

    private CommitOptions WithDefaultBranch(CommitOptions options, bool becomesPrivate)
    {
        if (becomesPrivate)
        {
            return options with
            {
                Branch = options.Branch ?? PrivateBranch,
                BranchColor = options.BranchColor ?? (options.Color is null ? PrivateColor : null),
            };
        }

        // A root without tags could not be opened: "cannot resolve name: trunk".
        return options.Parent.IsNone && options.Branch is null
            ? options with { Branch = repository.Settings["main-branch"] ?? "trunk" }
            : options;
    }

    private void RequireBranchIsFree(CommitOptions options)
    {
        if (options.Branch is { } branch && branch != PrivateBranch && !options.AllowsSameBranch)
            RequireBranchIsFree(branch);
    }

    private void RequireBranchIsFree(string branch)
    {
        using var select = Database.Prepare(
            $"""
            SELECT 1 FROM tagxref AS b
             WHERE tagid={BranchTag} AND tagtype=2 AND value=?1 AND rid IN leaf
               AND NOT EXISTS(SELECT 1 FROM tagxref AS c WHERE c.tagid={ClosedTag} AND c.tagtype=1 AND c.rid=b.rid)
            """);
        if (select.BindText(1, branch).Step())
        {
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"an open branch named \"{branch}\" already exists",
                "commit onto it, or take another name");
        }
    }

    private void RequireNoFork(CommitOptions options, bool isPrivate)
    {
        if (options.Branch is not null || options.AllowsFork || isPrivate || options.Parent.IsNone) return;
        if (Forks.IsLeaf(repository, options.Parent)) return;

        throw new EdgeSyncException(
            ErrorKind.Conflict,
            $"this would fork: {repository.Content.NameOf(options.Parent).ToShortString()} has a newer check-in on its "
                + $"branch",
            "commit onto the tip, start a branch with --branch, or add --allow-fork");
    }

    private void RequireOpen(CommitOptions options)
    {
        if (options.Parent.IsNone || !Forks.IsClosed(repository, options.Parent)) return;

        // A new branch from a closed one is allowed.
        if (options.Branch is not null)
        {
            using var same = Database.Prepare(
                $"SELECT 1 FROM tagxref WHERE tagid={BranchTag} AND rid=?1 AND tagtype>0 AND value=?2");
            if (!same.Bind(1, options.Parent).BindText(2, options.Branch).Step()) return;
        }

        throw new EdgeSyncException(
            ErrorKind.Conflict,
            $"cannot commit against a closed leaf: the branch of "
                + $"{repository.Content.NameOf(options.Parent).ToShortString()} is closed",
            "start another with --branch, or reopen it");
    }

    private void RequireNewerThanParent(CommitOptions options, Instant date)
    {
        foreach (var (parent, before) in Dates(options))
        {
            // Spec: checkin_is_younger in checkin.c compares whole seconds.
            if (before.UnixSeconds <= date.UnixSeconds) continue;

            throw new EdgeSyncException(
                ErrorKind.Conflict,
                $"the parent {repository.Content.NameOf(parent).ToShortString()} of {before} is not older than {date}",
                "check the clock, or add --allow-older");
        }
    }

    private Instant After(CommitOptions options, Instant date)
    {
        foreach (var (_, before) in Dates(options))
            if (before >= date) date = before + TimeSpan.FromMilliseconds(1);
        return date;
    }

    private IEnumerable<(RecordId Parent, Instant Date)> Dates(CommitOptions options)
    {
        foreach (var parent in Parents(options))
            if (repository.DateOf(parent) is { } date) yield return (parent, date);
    }

    // ---- Files ----

    private List<FileDraft> Apply(CommitOptions options, CheckInTree? parent, bool isPrivate, out bool hasChanged)
    {
        var tree = new TreeEdit(
            parent?.Files, (parent?.Manifest.Files.Count ?? 0) + (parent?.Baseline?.Files.Count ?? 0));
        foreach (var change in options.Changes)
        {
            switch (change.Kind)
            {
                case FileChangeKind.Put:
                    Put(tree, change, isPrivate);
                    break;
                case FileChangeKind.Remove:
                    tree.Remove(change.Name);
                    break;
                case FileChangeKind.Rename:
                    tree.Rename(change.OldName!, change.Name);
                    break;
                default:
                    if (!tree.TryGet(change.Name, out var file))
                        throw new EdgeSyncException(
                            ErrorKind.NotFound, $"the parent check-in has no file {change.Name}");
                    tree.Put(change.Name, file.Id, change.Permission!.Value);
                    break;
            }
        }

        return tree.Finish(out hasChanged);
    }

    private void Put(TreeEdit tree, FileChange change, bool isPrivate)
    {
        var isOld = tree.TryGet(change.Name, out var before);
        var id = change.Source;
        if (change.Open is { } open)
        {
            var content = open();
            id = isOld && ArtifactHash.Matches(before.Id, content.Span)
                ? before.Id
                : repository.Content.NameOf(repository.Content.Put(content.Span, isPrivate, isUnsent: true));
        }
        else if (repository.Content.Find(id) is var rid && (rid.IsNone || !repository.Content.IsAvailable(rid)))
        {
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"the content {id.ToShortString()} of {change.Name} is not here");
        }

        tree.Put(
            change.Name, id, change.Permission ?? (isOld ? before.Permission : FilePermission.Regular), change.OldName);
    }

    // A public check-in may use files that until now only private ones used.
    private void Publish(List<FileDraft> files)
    {
        if (Database.QueryInt64("SELECT EXISTS(SELECT 1 FROM private)") == 0) return;

        foreach (var file in files)
        {
            var rid = repository.Content.Find(file.Id);
            if (!rid.IsNone && repository.Content.IsPrivate(rid)) repository.Content.SetPrivate(rid, isPrivate: false);
        }
    }

    // ---- Manifest ----

    private ArtifactDraft Draft(
        CommitOptions options, CheckInTree? parent, List<FileDraft> files, Instant date, bool isPrivate)
    {
        var writesChecksum = (options.WritesChecksum ?? repository.Settings.Boolean("repo-cksum", otherwise: true))
            && IsAllHere(files);
        var (baseline, cards) = ChooseForm(options.Form, parent, files);
        return new ArtifactDraft
        {
            Baseline = baseline,
            Comment = ArtifactDraft.CheckInComment(options.Comment),
            Date = date,
            Files = cards,
            Mimetype = string.IsNullOrEmpty(options.Mimetype) ? default : (CardText)options.Mimetype,
            Parents = [
                .. Parents(options).Where(
                    rid => isPrivate || !repository.Content.IsPrivate(rid)).Select(repository.Content.NameOf)],
            Cherrypicks = [
                .. options.Cherrypicks.Where(
                    pick => MayName(
                        pick.Target, isPrivate)).OrderBy(pick => pick.Target).OrderBy(pick => pick.IsBackout)],
            RepositoryChecksum = writesChecksum ? CheckInChecksum.Compute(repository, files) : default(CardText),
            Tags = TagsOf(options),
            User = options.User,
        };
    }

    /// <summary>
    /// During a sync a tip may be stored without some of its files. Other files can still be changed: the checksum over
    /// all of them is optional.
    /// </summary>
    private bool IsAllHere(List<FileDraft> files)
    {
        if (Database.QueryInt64("SELECT EXISTS(SELECT 1 FROM phantom)") == 0) return true;

        foreach (var file in files)
            if (repository.Content.Find(file.Id) is var rid && (rid.IsNone || !repository.Content.IsAvailable(rid)))
                return false;
        return true;
    }

    private bool MayName(ArtifactId id, bool isPrivate) =>
        isPrivate || !(repository.Content.Find(id) is var rid && !rid.IsNone && repository.Content.IsPrivate(rid));

    private static IEnumerable<RecordId> Parents(CommitOptions options)
    {
        IEnumerable<RecordId> parents = [options.Parent, .. options.MergedParents, .. options.IntegratedParents];
        return parents.Where(rid => !rid.IsNone).Distinct();
    }

    private (ArtifactId Baseline, IReadOnlyList<FileDraft> Files) ChooseForm(
        ManifestForm form, CheckInTree? parent, List<FileDraft> files)
    {
        var isForbidden = repository.Settings.Boolean("forbid-delta-manifests");
        if (form == ManifestForm.Delta && (isForbidden || parent is null))
        {
            throw new EdgeSyncException(
                ErrorKind.Usage,
                isForbidden ? "delta manifests are forbidden in this repository" : "a root has no baseline");
        }

        if (form == ManifestForm.Full || parent is null ||
            (form == ManifestForm.Automatic && (isForbidden || !repository.Settings.Boolean("seen-delta-manifest"))))
        {
            return (default, files);
        }

        // A full manifest takes the parent as baseline, a delta takes its parent's.
        var baseline = parent.Baseline ?? parent.Manifest;
        var difference = DeltaManifest.Difference(baseline, files);
        if (form == ManifestForm.Automatic && !DeltaManifest.Pays(files.Count, difference.Count))
            return (default, files);

        var baselineRid = parent.Baseline is null ? parent.Rid : parent.BaselineRid;
        return (repository.Content.NameOf(baselineRid), difference);
    }

    private List<TagDraft> TagsOf(CommitOptions options)
    {
        var tags = new List<TagDraft>();
        if (options.Branch is { } branch)
        {
            tags.AddRange(BranchTags(branch, options.BranchColor));
            tags.AddRange(SymbolicTagsOf(options.Parent, onlyPropagating: true)
                .Where(name => Encoding.UTF8.GetString(name) != "sym-" + branch)
                .Select(name => new TagDraft(TagAction.Cancel, CardText.Of(name))));
        }

        if (options.Color is { } color && (options.Branch is null || options.BranchColor is null))
            tags.Add(new TagDraft(TagAction.Single, "bgcolor", default, color));
        if (options.Closes) tags.Add(new TagDraft(TagAction.Single, "closed"));
        foreach (var integrated in options.IntegratedParents.Distinct())
        {
            if (Forks.IsLeaf(repository, integrated) && !Forks.IsClosed(repository, integrated))
                tags.Add(new TagDraft(TagAction.Single, "closed", repository.Content.NameOf(integrated)));
        }

        tags.AddRange(options.Tags.Distinct().Select(tag => new TagDraft(TagAction.Single, "sym-" + tag)));
        return tags;
    }

    private static List<TagDraft> BranchTags(string branch, string? color)
    {
        var tags = new List<TagDraft>();
        if (color is { Length: > 0 }) tags.Add(new TagDraft(TagAction.Propagating, "bgcolor", default, color));
        tags.Add(new TagDraft(TagAction.Propagating, "branch", default, branch));
        tags.Add(new TagDraft(TagAction.Propagating, "sym-" + branch));
        return tags;
    }

    private List<byte[]> SymbolicTagsOf(RecordId rid, bool onlyPropagating)
    {
        using var select = Database.Prepare(
            """
            SELECT tagname FROM tagxref JOIN tag USING(tagid)
             WHERE rid=?1 AND tagtype>=?2 AND tagname GLOB 'sym-*' ORDER BY tagname
            """);
        select.Bind(1, rid).Bind(2, onlyPropagating ? 2L : 1L);
        var names = new List<byte[]>();
        while (select.Step()) names.Add(select.Bytes(0).ToArray());
        return names;
    }
}
