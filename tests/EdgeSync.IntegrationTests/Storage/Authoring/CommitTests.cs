using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;
using static EdgeSync.IntegrationTests.Storage.Authoring.TestProject;

namespace EdgeSync.IntegrationTests.Storage.Authoring;

public sealed class CommitTests : IDisposable
{
    private readonly TestProject _project = new();

    public void Dispose() => _project.Dispose();

    [Test]
    public void Files_of_the_parent_are_carried_forward()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"), Put("dir/b c", "2"), Put("a.b", "3"));

        var second = _project.Commit(first, Put("a", "changed"), Put("new", "4"));

        Assert.Equal(["a", "a.b", "dir/b c", "new"], _project.FilesOf(second));
        Assert.Equal(["a", "a.b", "dir/b c"], _project.FilesOf(first));
    }

    [Test]
    public void A_missing_file_does_not_block_a_change_of_another()
    {
        using var elsewhere = new TestProject();
        var tip = elsewhere.Commit(elsewhere.Root, Put("a", "1"), Put("late", "on its way"));
        Arrive("1", elsewhere.TextOf(tip));
        var arrived = _project.Repository.Content.Find(elsewhere.Repository.Content.NameOf(tip));
        var mine = _project.Commit(arrived, Put("a", "2"));

        Assert.Equal(["a", "late"], _project.FilesOf(mine));
        Assert.DoesNotContain("\nR ", _project.TextOf(mine), StringComparison.Ordinal);

        Arrive("on its way");
        Assert.Contains("\nR ", _project.TextOf(_project.Commit(mine, Put("a", "3"))), StringComparison.Ordinal);

        void Arrive(params ReadOnlySpan<string> texts)
        {
            using var transaction = _project.Repository.Begin();
            foreach (var text in texts) _project.Repository.Content.Put(Encoding.UTF8.GetBytes(text));
            new EdgeSync.Storage.Crosslink.Crosslinker(_project.Repository).LinkPending();
            transaction.Commit();
        }
    }

    [Test]
    public void A_rename_names_the_old_file_and_keeps_content_and_permission()
    {
        var first = _project.Commit(
            _project.Root, FileChange.Put("run", "x"u8.ToArray(), FilePermission.Executable), Put("keep", "k"));

        var second = _project.Commit(
            first, FileChange.Rename("run", "between"), FileChange.Rename("between", "bin/run"));

        Assert.True(CheckInTree.Load(_project.Repository, second).Files.TryFind("bin/run"u8, out var file));
        Assert.Equal("run"u8, file.OldName);
        Assert.Equal(FilePermission.Executable, file.Permission);
        Assert.Equal(["bin/run", "keep"], _project.FilesOf(second));
    }

    [Test]
    public void A_rename_there_and_back_is_not_a_change()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));

        var error = Assert.Throws<EdgeSyncException>(
            () => _project.Commit(first, FileChange.Rename("a", "b"), FileChange.Rename("b", "a")));

        Assert.Equal(ErrorKind.Conflict, error.Kind);
    }

    [Test]
    public void Removal_permission_and_links_are_recorded()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"), Put("b", "2"), FileChange.Link("link", "a"));

        var second = _project.Commit(
            first, FileChange.Remove("a"), FileChange.SetPermission("b", FilePermission.Executable));

        var files = CheckInTree.Load(_project.Repository, second).Files;
        Assert.Equal(["b", "link"], _project.FilesOf(second));
        Assert.True(files.TryFind("b"u8, out var b));
        Assert.Equal(FilePermission.Executable, b.Permission);
        Assert.True(files.TryFind("link"u8, out var link));
        Assert.Equal(FilePermission.Symlink, link.Permission);
    }

    [Test]
    [Arguments("../a")]
    [Arguments("/a")]
    [Arguments("a//b")]
    [Arguments("a\\b")]
    [Arguments("_FOSSIL_")]
    [Arguments("dir/.fslckout")]
    [Arguments("")]
    [Arguments("smile \U0001F600")]
    public void Names_that_no_checkout_could_hold_are_refused(string name)
    {
        var error = Assert.Throws<EdgeSyncException>(() => _project.Commit(_project.Root, Put(name, "x")));

        Assert.Equal(ErrorKind.Usage, error.Kind);
    }

    [Test]
    [Arguments("a", "a/b")]
    [Arguments("a/b", "a")]
    [Arguments("a/b/c", "a/b")]
    public void A_name_is_not_a_file_and_a_folder(string old, string added)
    {
        var first = _project.Commit(_project.Root, Put(old, "1"));

        Assert.Equal(
            ErrorKind.Conflict, Assert.Throws<EdgeSyncException>(() => _project.Commit(first, Put(added, "2"))).Kind);
        Assert.Equal([added], _project.FilesOf(_project.Commit(first, FileChange.Remove(old), Put(added, "2"))));
    }

    [Test]
    public void Nothing_changed_is_refused_unless_allowed()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));

        var error = Assert.Throws<EdgeSyncException>(() => _project.Commit(first, Put("a", "1")));
        var second = _project.Commit(new CommitOptions { Parent = first, User = Tester, AllowsEmpty = true });

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Equal(["a"], _project.FilesOf(second));
    }

    [Test]
    public void A_commit_follows_the_end_of_a_branch_despite_a_clock_ahead()
    {
        var ahead = _project.Commit(new CommitOptions
        {
            Parent = _project.Root,
            User = Tester,
            Comment = "made where it was next year",
            Changes = [Put("a", "1")],
            Date = _project.Repository.Now + TimeSpan.FromDays(365),
        });
        var end = _project.Commit(new CommitOptions
        {
            Parent = ahead,
            User = Tester,
            Comment = "made with a clock that is right",
            Changes = [Put("b", "2")],
            AllowsOlder = true,
        });

        Assert.Equal(ahead, _project.Repository.Names.ResolveCheckin("trunk"));
        Assert.Equal(end, Branches.EndOf(_project.Repository, "trunk"));
        Assert.True(Branches.EndOf(_project.Repository, "other").IsNone);
        Assert.Equal(
            ["a", "b", "c"],
            _project.FilesOf(_project.Commit(Branches.EndOf(_project.Repository, "trunk"), Put("c", "3"))));
    }

    [Test]
    public void An_open_end_of_a_branch_goes_before_a_closed_one()
    {
        var open = _project.Commit(_project.Root, Put("a", "1"));
        var closed = _project.Commit(new CommitOptions
        {
            Parent = _project.Root,
            User = Tester,
            Comment = "a fork that is over",
            Changes = [Put("b", "2")],
            AllowsFork = true,
            Closes = true,
        });

        Assert.Equal(open, Branches.EndOf(_project.Repository, "trunk"));

        _project.Commit(
            new CommitOptions
            {
                Parent = open,
                User = Tester,
                Comment = "the last of it",
                Changes = [Put("a", "3")],
                Closes = true
            });
        Assert.NotEqual(closed, Branches.EndOf(_project.Repository, "trunk"));
    }

    [Test]
    public void A_fork_is_refused_unless_allowed()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        _project.Commit(first, Put("a", "2"));

        var error = Assert.Throws<EdgeSyncException>(() => _project.Commit(first, Put("a", "3")));
        _project.Commit(
            new CommitOptions { Parent = first, User = Tester, Changes = [Put("a", "3")], AllowsFork = true });

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Contains("fork", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, _project.Repository.Database.QueryInt64("SELECT count(*) FROM leaf"));
    }

    [Test]
    public void A_refused_check_in_leaves_nothing_behind()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        var before = _project.Repository.Database.QueryInt64("SELECT count(*) FROM blob");

        Assert.Throws<EdgeSyncException>(
            () => _project.Commit(first, Put("fresh", "content"), FileChange.Remove("missing")));

        Assert.Equal(before, _project.Repository.Database.QueryInt64("SELECT count(*) FROM blob"));
        _project.Commit(first, Put("fresh", "content"));
    }

    [Test]
    public void A_branch_cancels_the_tags_of_its_parent()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));

        var second = _project.Commit(new CommitOptions
        {
            Parent = first,
            User = Tester,
            Branch = "side",
            BranchColor = "#aabbcc",
            Tags = ["v1"],
            Changes = [Put("a", "2")],
        });
        var third = _project.Commit(second, Put("a", "3"));

        var tags = Tags.Of(_project.Repository, third).Where(t => t.Kind > 0).Select(t => t.Name);
        Assert.Equal(["bgcolor", "branch", "sym-side"], tags.Order(StringComparer.Ordinal));
        Assert.Contains("T -sym-trunk *\n", _project.TextOf(second), StringComparison.Ordinal);
        Assert.Contains("T +sym-v1 *\n", _project.TextOf(second), StringComparison.Ordinal);
        Assert.Throws<EdgeSyncException>(
            () => _project.Commit(
                new CommitOptions { Parent = first, User = Tester, Branch = "side", AllowsEmpty = true }));
    }

    [Test]
    public void A_closed_branch_rejects_commits()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        var tags = new TagWriter(_project.Repository);
        tags.Close(first, Tester);

        var error = Assert.Throws<EdgeSyncException>(() => _project.Commit(first, Put("a", "2")));
        tags.Reopen(first, Tester);
        _project.Commit(first, Put("a", "2"));

        Assert.Contains("closed", error.Message, StringComparison.Ordinal);
    }

    [Test]
    public void A_merge_has_two_parents_and_integrating_closes_the_other()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        var side = _project.Commit(
            new CommitOptions { Parent = first, User = Tester, Branch = "side", Changes = [Put("b", "2")] });
        var trunk = _project.Commit(first, Put("c", "3"));

        var merge = _project.Commit(new CommitOptions
        {
            Parent = trunk,
            User = Tester,
            IntegratedParents = [side],
            Changes = [
                FileChange.Use("b", _project.Repository.Content.NameOf(_project.Repository.Content.Find(Sha3("2"))))],
        });

        var manifest = CheckInTree.Load(_project.Repository, merge).Manifest;
        Assert.Equal([.. new[] { trunk, side }.Select(_project.Repository.Content.NameOf)], manifest.Parents.ToArray());
        Assert.Equal(["a", "b", "c"], _project.FilesOf(merge));
        Assert.Contains(Tags.Of(_project.Repository, side), tag => tag.Name == "closed" && tag.Kind == 1);
    }

    [Test]
    public void A_parent_from_the_future_is_refused_unless_allowed()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        var old = new CommitOptions
        {
            Parent = first,
            User = Tester,
            Changes = [Put("a", "2")],
            Date = Instant.FromUnixSeconds(1_600_000_000)
        };

        Assert.Throws<EdgeSyncException>(() => _project.Commit(old));
        _project.Commit(old with { AllowsOlder = true });
    }

    [Test]
    public void A_private_check_in_gets_a_branch_and_its_children_stay_private()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));

        var second = _project.Commit(
            new CommitOptions { Parent = first, User = Tester, IsPrivate = true, Changes = [Put("secret", "s")] });
        var third = _project.Commit(second, Put("secret", "t"));

        var content = _project.Repository.Content;
        Assert.True(
            content.IsPrivate(second) && content.IsPrivate(third) && content.IsPrivate(content.Find(Sha3("s"))));
        Assert.False(content.IsPrivate(content.Find(Sha3("1"))));
        Assert.Contains(
            "T *bgcolor * #fec084\nT *branch * private\nT *sym-private *\nT -sym-trunk *\n", _project.TextOf(second),
            StringComparison.Ordinal);
    }

    [Test]
    public void Publishing_a_file_that_was_private_makes_it_public()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        _project.Commit(
            new CommitOptions { Parent = first, User = Tester, IsPrivate = true, Changes = [Put("secret", "s")] });

        _project.Commit(first, Put("secret", "s"));

        Assert.False(_project.Repository.Content.IsPrivate(_project.Repository.Content.Find(Sha3("s"))));
    }

    [Test]
    public void Delta_manifests_are_written_when_they_pay_and_give_the_same_files()
    {
        var many = Enumerable.Range(0, 50).Select(i => Put($"file{i:00}", $"content {i}")).ToArray();
        var first = _project.Commit(_project.Root, many);

        var second = _project.Commit(
            new CommitOptions
            {
                Parent = first,
                User = Tester,
                Form = ManifestForm.Delta,
                Changes = [Put("file07", "new")]
            });
        var third = _project.Commit(
            second, Put("more", "m"), FileChange.Remove("file08"),
            FileChange.SetPermission("file09", FilePermission.Executable));

        var tree = CheckInTree.Load(_project.Repository, third);
        Assert.Equal(_project.Repository.Content.NameOf(first), tree.Manifest.Baseline);
        Assert.Equal(4, tree.Manifest.Files.Count);
        Assert.Equal(50, _project.FilesOf(third).Length);
        Assert.True(tree.Files.TryFind("file09"u8, out var file) && file.Permission == FilePermission.Executable);
        Assert.True(tree.Files.TryFind("file07"u8, out file) && file.Id == Sha3("new"));

        _project.Repository.Settings.Set("forbid-delta-manifests", "1");
        Assert.True(CheckInTree.Load(_project.Repository, _project.Commit(third, Put("x", "x"))).Baseline is null);
    }

    [Test]
    public void The_first_check_in_of_an_empty_repository_gets_branch_tags()
    {
        using var repository = Repository.CreateForClone(
            ":memory:",
            new RepositoryCreateOptions { Entropy = new SeededEntropy(1), ProjectCode = new string('a', 40) });

        var made = repository.Commit(
            new CommitOptions { Parent = RecordId.None, User = Tester, Changes = [Put("a", "1")] });

        Assert.Equal(["branch", "sym-trunk"], Tags.Of(repository, made.Rid).Select(tag => tag.Name));
        Assert.Throws<EdgeSyncException>(
            () => repository.Commit(
                new CommitOptions { Parent = RecordId.None, User = Tester, Changes = [Put("b", "1")] }));
    }

    [Test]
    public void The_checksum_covers_all_files_also_of_large_trees()
    {
        var many = Enumerable.Range(0, 300)
            .Select(i => Put($"d{i % 7}/file{i}", new string((char)('a' + (i % 26)), i * 13))).ToArray();
        var rid = _project.Commit(_project.Root, many);
        rid = _project.Commit(rid, Put("d1/file1", "other"), FileChange.Rename("d2/file2", "moved"));

        var checksum = new RepositoryChecksum();
        foreach (var file in CheckInTree.Load(_project.Repository, rid).Files)
        {
            using var content = _project.Repository.Content.Get(file.Id);
            checksum.Add(file.Name, content.Span);
        }

        Assert.Equal(checksum.Finish(), CheckInTree.Load(_project.Repository, rid).Manifest.RepositoryChecksum);
    }

    [Test]
    public void Without_the_setting_there_is_no_checksum()
    {
        _project.Repository.Settings.Set("repo-cksum", "off");

        var rid = _project.Commit(_project.Root, Put("a", "1"));

        Assert.False(CheckInTree.Load(_project.Repository, rid).Manifest.HasCard('R'));
    }

    private static ArtifactId Sha3(string text) => ArtifactHash.Compute(HashKind.Sha3, Encoding.UTF8.GetBytes(text));
}
