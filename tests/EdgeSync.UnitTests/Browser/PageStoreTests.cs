using System.Text;
using EdgeSync.Browser.History;
using EdgeSync.Browser.Store;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Browser;

public sealed class PageStoreTests
{
    private static Instant Now => DirectExchange.Now;

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public void A_clone_has_every_artifact_and_the_same_leaves(bool isDeltified)
    {
        var server = SampleProject.Create();
        SampleProject.History(server, 60);
        if (isDeltified) SampleProject.Deltify(server);
        using var store = Open(new MemoryFile(), new MemoryFile());

        var report = Clone(server, store);

        Assert.Null(report.Fault);
        Assert.Equal(SampleProject.Code, store.ProjectCode);
        foreach (var id in server.HeldIds())
        {
            Assert.Equal(server.Rows[id].Text, store.Read(id).ToArray());
            if (store.History.Find(id) is not null) Assert.Equal(server.IsLeaf(id), store.IsLeaf(id));
        }
    }

    [Test]
    public void A_store_that_is_opened_again_is_the_same()
    {
        var (contents, index) = (new MemoryFile(), new MemoryFile());
        var server = SampleProject.Create();
        SampleProject.History(server, 30);
        SampleProject.Deltify(server);
        var store = Open(contents, index);
        Clone(server, store);
        var made = Commit(store, "Local", ("a.txt", "a"));

        using var again = Open(MemoryFile.Of(contents.Flushed), MemoryFile.Of(index.Flushed));

        Assert.Equal(store.ServerCode, again.ServerCode);
        Assert.Equal(store.State.Unsent, again.State.Unsent);
        Assert.Equal(store.State.Unclustered, again.State.Unclustered);
        Assert.Equal(store.State.Phantoms, again.State.Phantoms);
        Assert.Equal(
            store.History.Timeline(100).Select(c => c.Id), again.History.Timeline(100).Select(c => c.Id));
        Assert.Equal("a", Text(again, made.Id.ToString(), "a.txt"));
    }

    [Test]
    public void A_round_that_is_cut_anywhere_leaves_the_rounds_before_it()
    {
        var (contents, index) = (new MemoryFile(), new MemoryFile());
        var store = New(contents, index);
        Commit(store, "First", ("a.txt", "one"));
        var whole = index.Flushed.Length;
        Commit(store, "Second", ("a.txt", "two"));

        for (var length = whole; length < index.Flushed.Length; length++)
        {
            using var cut = Open(MemoryFile.Of(contents.Flushed), MemoryFile.Of(index.Flushed.AsSpan(0, length)));

            Assert.Equal("First", cut.History.Newest!.Comment);
            Assert.Equal("one", Text(cut, "trunk", "a.txt"));
            Assert.Equal("Third", Commit(cut, "Third", ("a.txt", "three")).Comment);
        }
    }

    [Test]
    public void A_damaged_round_is_dropped()
    {
        var (contents, index) = (new MemoryFile(), new MemoryFile());
        var store = New(contents, index);
        Commit(store, "First", ("a.txt", "one"));
        var whole = index.Flushed.Length;
        Commit(store, "Second", ("a.txt", "two"));
        var damaged = index.Flushed;
        damaged[whole + 40] ^= 1;

        using var again = Open(MemoryFile.Of(contents.Flushed), MemoryFile.Of(damaged));

        Assert.Equal("First", again.History.Newest!.Comment);
    }

    [Test]
    public void A_full_disk_leaves_the_store_as_it_was()
    {
        var (contents, index) = (new MemoryFile(), new MemoryFile());
        using var store = New(contents, index);
        Commit(store, "First", ("a.txt", "one"));

        index.IsFull = true;
        Assert.Throws<EdgeSyncException>(() => Commit(store, "Second", ("a.txt", "two")));
        index.IsFull = false;

        Assert.Equal("First", store.History.Newest!.Comment);
        Assert.Equal("two", Text(store, Commit(store, "Again", ("a.txt", "two")).Id.ToString(), "a.txt"));
    }

    [Test]
    public void A_file_that_is_no_store_is_refused()
    {
        var e = Assert.Throws<EdgeSyncException>(
            () => Open(new MemoryFile(), MemoryFile.Of("not an index of a store"u8)));

        Assert.Equal(ErrorKind.Corrupt, e.Kind);
    }

    [Test]
    public void A_round_that_is_taken_back_leaves_nothing()
    {
        using var store = New(new MemoryFile(), new MemoryFile());
        Commit(store, "First", ("a.txt", "one"));
        var (rows, bytes) = (store.MaxRecordId, store.ContentBytes);

        Assert.True(store.Begin(StoreAccess.Write, Now));
        store.Add("lost"u8);
        store.Rollback();

        Assert.Equal(rows, store.MaxRecordId);
        Assert.Equal(bytes, store.ContentBytes);
        Assert.Single(store.History.Timeline(10));
    }

    [Test]
    public void What_is_committed_here_reaches_the_server_and_what_is_committed_there_comes_back()
    {
        var server = SampleProject.Create();
        var tip = SampleProject.CheckIn(server, "start", default, ("a.txt", "one"));
        using var store = Open(new MemoryFile(), new MemoryFile());
        Clone(server, store);

        var made = Commit(store, "From the page", ("b.txt", "two"));
        Sync(server, store);
        var other = SampleProject.CheckIn(server, "From the server", made.Id, ("a.txt", "one"), ("b.txt", "three"));
        Sync(server, store);

        Assert.Contains(made.Id, server.HeldIds());
        Assert.True(store.IsLeaf(other));
        Assert.Equal(tip, made.Parents[0]);
        Assert.Equal(0, store.UnsentCount);
        Assert.Equal("three", Text(store, other.ToString(), "b.txt"));
    }

    [Test]
    public void A_delta_whose_source_comes_later_waits_for_it()
    {
        using var store = New(new MemoryFile(), new MemoryFile());
        byte[] source = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 100).Select(i => $"line {i}\n")));
        byte[] text = [.. source, .. "more\n"u8];
        var (sourceId, id) = (
            ArtifactHash.Compute(HashKind.Sha3, source), ArtifactHash.Compute(HashKind.Sha3, text));
        var delta = DeltaEncoder.Encode(source, text);

        store.Begin(StoreAccess.Write, Now);
        Assert.Equal(PutOutcome.Pending, store.PutDelta(id, sourceId, delta, false, out var rid));
        Assert.Equal(PutOutcome.Circular, store.PutDelta(sourceId, id, delta, false, out _));
        Assert.False(store.TryReadText(rid, out _));
        Assert.Equal(PutOutcome.WrongHash, store.PutText(sourceId, text, false, out _));
        Assert.Equal(PutOutcome.Stored, store.PutText(sourceId, source, false, out _));
        Assert.True(store.TryCommit(out _));

        Assert.Equal(text, store.Read(id).ToArray());
        Assert.True(store.TryReadDelta(rid, out var stored));
        Assert.Equal(delta, stored.Bytes.ToArray());
    }

    [Test]
    public void Shunned_artifacts_are_not_stored()
    {
        using var store = New(new MemoryFile(), new MemoryFile());
        var id = ArtifactHash.Compute(HashKind.Sha3, "secret"u8);

        store.Begin(StoreAccess.Write, Now);
        Assert.True(store.Config.Merge(new ConfigRow(ConfigTable.Shun, id.ToString(), 1, []), overwrite: false));
        Assert.Equal(PutOutcome.Shunned, store.PutText(id, "secret"u8, false, out _));
        Assert.True(store.TryCommit(out _));

        Assert.False(store.Holds(id));
    }

    [Test]
    public void Branches_tags_and_edits_are_those_of_the_last_word()
    {
        using var store = New(new MemoryFile(), new MemoryFile());
        var first = Commit(store, "First", ("a.txt", "1"));
        var side = Commit(store, "Side", "side", ("a.txt", "2"));
        var next = Commit(store, "Side again", "side", ("a.txt", "3"));
        store.Begin(StoreAccess.Write, Now);
        store.Add(
            ArtifactDraft.Control(
                Now + TimeSpan.FromHours(1), "ann",
                [
                    new(TagAction.Single, "sym-v1", first.Id),
                    new(TagAction.Single, "comment", first.Id, "Edited"),
                ]).ToBytes());
        Assert.True(store.TryCommit(out _));

        var history = store.History;

        Assert.Equal("trunk", history.BranchOf(first.Id));
        Assert.Equal("side", history.BranchOf(side.Id));
        Assert.Equal("side", history.BranchOf(next.Id));
        Assert.Equal(["v1"], history.TagsOf(first.Id));
        Assert.Equal("Edited", history.CommentOf(first));
        Assert.Equal(first, new PageRepository(store).Resolve("v1"));
        Assert.Equal(next, new PageRepository(store).Resolve("side"));
        Assert.True(history.IsLeaf(first.Id));
        Assert.False(history.IsLeaf(side.Id));
    }

    [Test]
    public void A_second_child_on_the_branch_is_refused()
    {
        using var store = New(new MemoryFile(), new MemoryFile());
        var first = Commit(store, "First", ("a.txt", "1"));
        Commit(store, "Second", ("a.txt", "2"));

        var e = Assert.Throws<EdgeSyncException>(() => new PageRepository(store).Commit(
            new CommitRequest
            {
                Comment = "Fork",
                User = "ann",
                Changes = [new FileChange("a.txt", "3"u8.ToArray())],
                Parent = first.Id.ToString()[..10],
            },
            Now));

        Assert.Equal(ErrorKind.Conflict, e.Kind);
        Assert.Equal(2, store.History.Count);
    }

    [Test]
    [Arguments("../a")]
    [Arguments("/a")]
    [Arguments("a//b")]
    [Arguments("")]
    [Arguments("_FOSSIL_")]
    public void A_name_that_stock_would_not_add_is_refused(string name)
    {
        using var store = New(new MemoryFile(), new MemoryFile());

        var e = Assert.Throws<EdgeSyncException>(() => Commit(store, "x", (name, "1")));

        Assert.Equal(ErrorKind.Usage, e.Kind);
        Assert.Equal(0, store.UnsentCount);
    }

    [Test]
    public void Nothing_changed_is_no_commit()
    {
        using var store = New(new MemoryFile(), new MemoryFile());
        Commit(store, "First", ("a.txt", "1"));

        Assert.Equal(ErrorKind.Usage, Assert.Throws<EdgeSyncException>(() => Commit(store, "x", ("a.txt", "1"))).Kind);
    }

    internal static PageStore Open(MemoryFile contents, MemoryFile index) =>
        PageStore.Open(contents, index, new SeededEntropy(7));

    internal static SyncReport Clone(IArtifactStore server, PageStore store) => new DirectExchange(server).Run(
        store, SampleProject.Options(SyncActions.Clone) with { ConfigPull = ConfigAreas.Project | ConfigAreas.Shun });

    internal static CheckIn Commit(PageStore store, string comment, params (string Name, string Text)[] files) =>
        Commit(store, comment, null, files);

    internal static string Text(PageStore store, string version, string name) =>
        Encoding.UTF8.GetString(new PageRepository(store).Read(version, name).Span);

    private static CheckIn Commit(
        PageStore store, string comment, string? branch, params (string Name, string Text)[] files) =>
        new PageRepository(store).Commit(
            new CommitRequest
            {
                Comment = comment,
                User = "tester",
                Branch = branch,
                Changes = [.. files.Select(f => new FileChange(f.Name, Encoding.UTF8.GetBytes(f.Text)))],
            },
            Now);

    private static void Sync(IArtifactStore server, PageStore store)
    {
        var report = new DirectExchange(server).Run(store, SampleProject.Options(SyncActions.Sync));
        Assert.Null(report.Fault);
    }

    private static PageStore New(MemoryFile contents, MemoryFile index)
    {
        var store = Open(contents, index);
        store.Begin(StoreAccess.Write, Now);
        store.SetProjectCode(SampleProject.Code);
        Assert.True(store.TryCommit(out _));
        return store;
    }
}
