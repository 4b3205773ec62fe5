using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;
using static EdgeSync.IntegrationTests.Storage.Authoring.TestProject;

namespace EdgeSync.IntegrationTests.Storage.Authoring;

public sealed class PagesAndTagsTests : IDisposable
{
    private readonly TestProject _project = new();

    public void Dispose() => _project.Dispose();

    private Repository Repository => _project.Repository;

    private TagWriter Tags => new(Repository);

    private WikiPages Wiki => new(Repository);

    [Test]
    public void A_tag_is_an_artifact_of_its_own()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));

        var made = Tags.Add(new TagOptions { Target = first, Name = "v1", Value = "with value", User = Tester });

        Assert.EndsWith(
            $"T +sym-v1 {Repository.Content.NameOf(first)} with\\svalue\nU tester\n",
            Without('Z', _project.TextOf(made.Rid)), StringComparison.Ordinal);
        Assert.Equal(first, Repository.Names.Resolve("v1"));
    }

    [Test]
    public void The_last_of_many_changes_within_a_millisecond_counts()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        var tag = new TagOptions { Target = first, Name = "flag", User = Tester };

        for (var i = 0; i < 5; i++)
        {
            Tags.Add(tag);
            Assert.Contains(
                EdgeSync.Storage.Queries.Tags.Of(Repository, first), t => t.Name == "sym-flag" && t.Kind == 1);
            Tags.Cancel(tag);
            Assert.DoesNotContain(
                EdgeSync.Storage.Queries.Tags.Of(Repository, first), t => t.Name == "sym-flag" && t.Kind > 0);
        }
    }

    [Test]
    public void A_propagating_tag_reaches_descendants_until_it_is_cancelled()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        var second = _project.Commit(first, Put("a", "2"));
        var tag = new TagOptions { Target = first, Name = "release", Propagates = true, User = Tester };

        Tags.Add(tag);
        Assert.Contains(
            EdgeSync.Storage.Queries.Tags.Of(Repository, second), t => t.Name == "sym-release" && t.Kind == 2);

        Tags.Cancel(tag);
        Assert.DoesNotContain(
            EdgeSync.Storage.Queries.Tags.Of(Repository, second), t => t.Name == "sym-release" && t.Kind > 0);
    }

    [Test]
    [Arguments("wiki-Page")]
    [Arguments("tkt-1234")]
    [Arguments("event-1234")]
    [Arguments("")]
    public void Names_that_mean_something_else_are_refused(string name)
    {
        var error = Assert.Throws<EdgeSyncException>(
            () => Tags.Add(new TagOptions { Target = _project.Root, Name = name, User = Tester }));

        Assert.Equal(ErrorKind.Usage, error.Kind);
    }

    [Test]
    public void A_raw_tag_that_looks_like_a_hash_is_refused_and_nothing_is_stored()
    {
        var before = Repository.Database.QueryInt64("SELECT count(*) FROM blob");

        var error = Assert.Throws<EdgeSyncException>(
            () => Tags.Add(new TagOptions { Target = _project.Root, Name = "abc123", IsRaw = true, User = Tester }));

        Assert.Equal(ErrorKind.Usage, error.Kind);
        Assert.Equal(before, Repository.Database.QueryInt64("SELECT count(*) FROM blob"));
    }

    [Test]
    public void Amending_to_what_is_already_so_writes_nothing()
    {
        var first = _project.Commit(
            new CommitOptions
            {
                Parent = _project.Root,
                User = Tester,
                Comment = "as it was",
                Changes = [Put("a", "1")]
            });

        Assert.Null(
            Tags.Amend(
                new AmendOptions
                {
                    Target = first,
                    User = Tester,
                    Comment = "as it was",
                    Author = Tester,
                    CancelledTags = ["none"]
                }));
        Assert.NotNull(Tags.Amend(new AmendOptions { Target = first, User = Tester, Comment = "as it is" }));
        Assert.Equal("as it is", Timeline.List(Repository, 1, "ci", null, null).Single().Comment);
    }

    [Test]
    public void Closing_twice_or_inside_a_branch_is_refused()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"));
        var second = _project.Commit(first, Put("a", "2"));

        Assert.Throws<EdgeSyncException>(() => Tags.Close(first, Tester));
        Tags.Close(second, Tester);
        Assert.Throws<EdgeSyncException>(() => Tags.Close(second, Tester));
        Tags.Reopen(second, Tester);
        Assert.Throws<EdgeSyncException>(() => Tags.Reopen(second, Tester));
    }

    [Test]
    public void A_new_branch_is_an_empty_check_in_with_the_parent_s_files()
    {
        var first = _project.Commit(_project.Root, Put("a", "1"), Put("b", "2"));
        Tags.Add(new TagOptions { Target = first, Name = "once", User = Tester });

        var branch = Repository.CreateBranch(
            new BranchOptions { Name = "side", Parent = first, User = Tester, Color = "#123456" });

        Assert.Equal(["a", "b"], _project.FilesOf(branch.Rid));
        Assert.Contains(
            "T *bgcolor * #123456\nT *branch * side\nT *sym-side *\nT -sym-once *\nT -sym-trunk *\nU tester\n",
            _project.TextOf(branch.Rid), StringComparison.Ordinal);
        Assert.Throws<EdgeSyncException>(
            () => Repository.CreateBranch(new BranchOptions { Name = "side", Parent = first, User = Tester }));
    }

    [Test]
    public void Wiki_pages_have_versions_and_can_be_deleted()
    {
        Wiki.Put(Page("Home", "first"));
        Wiki.Put(Page("Home", "second") with { Mimetype = "markdown" });
        Wiki.Put(Page("Home", "third"));

        var page = Wiki.Find("Home")!;
        Assert.Equal("third"u8, page.Body);
        Assert.Equal("text/x-markdown", page.Mimetype);
        Assert.Equal(3, Wiki.List().Single().VersionCount);

        Wiki.Put(Page("Home", ""));
        Assert.Empty(Wiki.List());
        Assert.True(Wiki.List(includesDeleted: true).Single().IsDeleted);
        Assert.Null(Wiki.Find("Nowhere"));
    }

    [Test]
    public void A_page_is_made_once_and_changed_only_if_it_is_there()
    {
        Assert.Equal(
            ErrorKind.NotFound,
            Assert.Throws<EdgeSyncException>(() => Wiki.Put(Page("P", "x") with { MustBeNew = false })).Kind);
        Wiki.Put(Page("P", "x") with { MustBeNew = true });
        Assert.Equal(
            ErrorKind.Conflict,
            Assert.Throws<EdgeSyncException>(() => Wiki.Put(Page("P", "x") with { MustBeNew = true })).Kind);
    }

    [Test]
    [Arguments("")]
    [Arguments(" x")]
    [Arguments("x ")]
    [Arguments("two  spaces")]
    [Arguments("tab\there")]
    public void Invalid_page_titles_are_rejected(string title) =>
        Assert.Equal(ErrorKind.Usage, Assert.Throws<EdgeSyncException>(() => Wiki.Put(Page(title, "x"))).Kind);

    [Test]
    public void Text_with_a_NUL_byte_is_refused() =>
        Assert.Throws<EdgeSyncException>(() => Wiki.Put(Page("P", "a\0b")));

    [Test]
    public void Tickets_are_the_sum_of_their_changes()
    {
        var tickets = new Tickets(Repository);
        var (_, id) = tickets.Add(Tester, [new("title", "It breaks"), new("comment", "first.")]);

        tickets.Change(Tester, id, [new("+comment", " second."), new("status", "Open")]);

        var fields = tickets.Read(id)!;
        Assert.Equal("first. second.", fields["comment"]);
        Assert.Equal("Open", fields["status"]);
        Assert.Equal(id, tickets.List().Single().TicketId);
        Assert.Throws<EdgeSyncException>(() => tickets.Change(Tester, id, [new("nonsense", "x")]));
        Assert.Throws<EdgeSyncException>(() => tickets.Change(Tester, "0000000000", [new("status", "x")]));
    }

    [Test]
    public void Private_ticket_fields_are_written_as_their_hash()
    {
        var (made, id) = new Tickets(Repository).Add(Tester, [new("private_contact", "me@example.org")]);

        Assert.DoesNotContain("example", _project.TextOf(made.Rid), StringComparison.Ordinal);
        Assert.Equal(40, new Tickets(Repository).Read(id)!["private_contact"]!.Length);
        Assert.Equal("me@example.org", Repository.Database.QueryText("SELECT content FROM concealed"));
    }

    [Test]
    public void Attachments_are_added_and_removed()
    {
        Wiki.Put(Page("Home", "x"));
        var attachments = new Attachments(Repository);

        attachments.Add(Tester, "Home", "dir/a.txt", "one"u8);
        attachments.Add(Tester, "Home", "a.txt", "two"u8);
        var entry = Assert.Single(attachments.List("Home"));
        Assert.Equal("a.txt", entry.Name);
        Assert.Equal(ArtifactHash.Compute(HashKind.Sha3, "two"u8), entry.Content);

        attachments.Remove(Tester, "Home", "a.txt");
        Assert.Empty(attachments.List("Home"));
        Assert.Throws<EdgeSyncException>(() => attachments.Add(Tester, "Nowhere", "a", "x"u8));
        Assert.Throws<EdgeSyncException>(() => attachments.Remove(Tester, "Home", "a.txt"));
    }

    [Test]
    public void Technotes_have_versions_under_one_id()
    {
        var notes = new Technotes(Repository);
        var options = new TechnoteOptions
        {
            User = Tester,
            About = Instant.FromUnixSeconds(1_700_000_000),
            Comment = "Title",
            Body = "body"u8.ToArray()
        };

        notes.Put(options);
        var id = notes.List().Single().TechnoteId;
        notes.Put(options with { TechnoteId = id[..8], Body = "other"u8.ToArray(), Tags = ["b", "a"] });

        var note = Assert.Single(notes.List());
        Assert.Equal(id, note.TechnoteId);
        Assert.Equal("other"u8, note.Body);
        Assert.Null(notes.Find("ffffffff"));
        Assert.Throws<EdgeSyncException>(() => notes.Put(options with { TechnoteId = "ffffffff" }));
    }

    [Test]
    [Arguments(HashPolicy.Sha1, 40)]
    [Arguments(HashPolicy.Sha3, 64)]
    public void New_artifacts_are_named_by_the_hash_policy(HashPolicy policy, int digits)
    {
        Repository.Content.HashPolicy = policy;

        var made = Repository.Commit(
            new CommitOptions { Parent = _project.Root, User = Tester, Changes = [Put("a", "1")], AllowsOlder = true });

        Assert.Equal(digits, made.Id.HexLength);
        Assert.Equal(digits, CheckInTree.Load(Repository, made.Rid).Manifest.Files[0].HashText.Length);
    }

    private static WikiOptions Page(string title, string body) =>
        new() { Title = title, User = Tester, Body = Encoding.UTF8.GetBytes(body) };

    private static string Without(char card, string text) =>
        text[..text.LastIndexOf(card + " ", StringComparison.Ordinal)];
}
