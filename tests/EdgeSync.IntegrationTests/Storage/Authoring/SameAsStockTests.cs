using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Tests.Support;
using static EdgeSync.IntegrationTests.Storage.Authoring.TestProject;

namespace EdgeSync.IntegrationTests.Storage.Authoring;

/// <summary>
/// The same history written twice: with stock's commands and once with our library, from copies of one new repository.
/// With the dates given, the artifacts must be the same bytes, and all rows the same.
/// </summary>
public sealed class SameAsStockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("same");
    private readonly string _theirs;
    private readonly string _ours;
    private readonly string _tree;
    private int _day;

    public SameAsStockTests() =>
        (_theirs, _ours, _tree) = (_folder["theirs.fossil"], _folder["ours.fossil"], _folder.Folder("tree"));

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Artifacts_are_the_same_bytes_and_tables_the_same_rows()
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        stock.Run("init", "--date-override", "2024-01-01", _theirs);
        stock.RunIn(_tree, "open", _theirs, "--nosync");
        stock.RunIn(_tree, "settings", "allow-symlinks", "on");
        File.Copy(_theirs, _ours);
        using var project = TestProject.Open(_ours);
        var repository = project.Repository;
        var tags = new TagWriter(repository);
        CommitOptions Options(RecordId parent, string comment) => new()
        {
            Parent = parent,
            User = Tester,
            Comment = comment,
            Date = Today,
        };

        // Files of all sorts.
        Write("hello.txt", Lines(40));
        Write("a b.txt", "spaces");
        Write("a!.txt", "order");
        Write("src/main.c", Lines(60));
        Write("src/util.c", Lines(30));
        Write("tool.sh", "#!/bin/sh\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Combine(_tree, "tool.sh"), (UnixFileMode)0b111_101_101);
        File.CreateSymbolicLink(Path.Combine(_tree, "link"), "hello.txt");
        for (var i = 0; i < 30; i++) Write($"doc/{i}.md", $"page {i}\n");
        stock.RunIn(_tree, "add", ".");
        NextDay();
        Stock("commit", "-m", "All sorts of files\nin two lines", "--no-warnings");
        var first = project.Commit(Options(project.Root, "All sorts of files\nin two lines") with
        {
            Changes =
            [
                Put("hello.txt", Lines(40)), Put("a b.txt", "spaces"), Put("a!.txt", "order"),
                    Put("src/main.c", Lines(60)), Put("src/util.c", Lines(30)),
                FileChange.Put("tool.sh", "#!/bin/sh\n"u8.ToArray(), FilePermission.Executable),
                    FileChange.Link("link", "hello.txt"),
                .. Enumerable.Range(0, 30).Select(i => Put($"doc/{i}.md", $"page {i}\n")),
            ],
        });
        AssertSameTip(project, stock, first);

        // Renames, a removal, an edit.
        stock.RunIn(_tree, "mv", "--hard", "hello.txt", "new name.txt");
        stock.RunIn(_tree, "mv", "--hard", "tool.sh", "bin.sh");
        stock.RunIn(_tree, "rm", "--hard", "doc/3.md");
        Write("src/main.c", Lines(60) + "more\n");
        NextDay();
        Stock("commit", "-m", "Renames", "--no-warnings");
        var second = project.Commit(Options(first, "Renames") with
        {
            Changes =
            [
                FileChange.Rename("hello.txt", "new name.txt"), FileChange.Rename("tool.sh", "bin.sh"),
                    FileChange.Remove("doc/3.md"),
                Put("src/main.c", Lines(60) + "more\n"),
            ],
        });
        AssertSameTip(project, stock, second);

        // A branch with colours and tags.
        Write("src/util.c", Lines(30) + "side\n");
        NextDay();
        Stock(
            "commit", "-m", "On a branch", "--branch", "side", "--branchcolor", "#aabbcc", "--tag", "two", "--tag",
            "one", "--no-warnings");
        var side = project.Commit(Options(second, "On a branch") with
        {
            Branch = "side",
            BranchColor = "#aabbcc",
            Tags = ["two", "one"],
            Changes = [Put("src/util.c", Lines(30) + "side\n")],
        });
        AssertSameTip(project, stock, side);

        // Trunk goes on, takes one change of the branch, then all of it.
        stock.RunIn(_tree, "update", "trunk");
        Write("other.txt", "other\n");
        stock.RunIn(_tree, "add", "other.txt");
        NextDay();
        Stock("commit", "-m", "Trunk goes on", "--no-warnings", "--mimetype", "text/plain");
        var trunk = project.Commit(
            Options(second, "Trunk goes on") with { Mimetype = "text/plain", Changes = [Put("other.txt", "other\n")] });
        AssertSameTip(project, stock, trunk);

        stock.RunIn(_tree, "merge", "--cherrypick", "side");
        NextDay();
        Stock("commit", "-m", "Takes one change", "--no-warnings");
        var picked = project.Commit(Options(trunk, "Takes one change") with
        {
            Cherrypicks = [new CherrypickCard(repository.Content.NameOf(side), IsBackout: false)],
            Changes = [Put("src/util.c", Lines(30) + "side\n")],
        });
        AssertSameTip(project, stock, picked);

        stock.RunIn(_tree, "merge", "--integrate", "side");
        NextDay();
        Stock("commit", "-m", "Integrates", "--no-warnings");
        var merged = project.Commit(Options(picked, "Integrates") with { IntegratedParents = [side] });
        AssertSameTip(project, stock, merged);

        // Delta manifests, first on request, then by stock's own choice.
        Write("doc/4.md", "changed\n");
        NextDay();
        Stock("commit", "-m", "As a delta", "--delta", "--no-warnings");
        var delta = project.Commit(
            Options(merged, "As a delta") with { Form = ManifestForm.Delta, Changes = [Put("doc/4.md", "changed\n")] });
        AssertSameTip(project, stock, delta);

        Write("doc/4.md", "changed again\n");
        stock.RunIn(_tree, "rm", "--hard", "doc/7.md");
        NextDay();
        Stock("commit", "-m", "Delta by itself", "--no-warnings", "--bgcolor", "red");
        var own = project.Commit(Options(delta, "Delta by itself") with
        {
            Color = "red",
            Changes = [Put("doc/4.md", "changed again\n"), FileChange.Remove("doc/7.md")],
        });
        AssertSameTip(project, stock, own);

        for (var i = 10; i < 25; i++) Write($"doc/{i}.md", $"page {i} changed\n");
        NextDay();
        Stock("commit", "-m", "Too much for a delta", "--no-warnings");
        var full = project.Commit(Options(own, "Too much for a delta") with
        {
            Changes = [.. Enumerable.Range(10, 15).Select(i => Put($"doc/{i}.md", $"page {i} changed\n"))],
        });
        AssertSameTip(project, stock, full);

        // Private, then trunk again.
        Write("private.txt", "private\n");
        stock.RunIn(_tree, "add", "private.txt");
        NextDay();
        Stock("commit", "-m", "Hidden away", "--private", "--no-warnings");
        var hidden = project.Commit(
            Options(full, "Hidden away") with { IsPrivate = true, Changes = [Put("private.txt", "private\n")] });
        AssertSameTip(project, stock, hidden);
        stock.RunIn(_tree, "update", "trunk");

        // Controls.
        NextDay();
        Stock("branch", "new", "feature", "trunk");
        var feature = repository.CreateBranch(
            new BranchOptions { Name = "feature", Parent = full, User = Tester, Date = Today });
        NextDay();
        Stock("tag", "add", "v1.0", "trunk");
        tags.Add(new TagOptions { Target = full, Name = "v1.0", User = Tester, Date = Today });
        NextDay();
        Stock("tag", "add", "--raw", "--propagate", "note", "trunk", "some value");
        tags.Add(
            new TagOptions
            {
                Target = full,
                Name = "note",
                Value = "some value",
                IsRaw = true,
                Propagates = true,
                User = Tester,
                Date = Today
            });
        NextDay();
        Stock("tag", "cancel", "v1.0", "trunk");
        tags.Cancel(new TagOptions { Target = full, Name = "v1.0", User = Tester, Date = Today });
        NextDay();
        Stock(
            "amend", "trunk", "-m", "Another comment", "--author", "other", "--date", "2024-01-12T13:14:15",
            "--bgcolor", "112233", "--tag", "extra");
        tags.Amend(new AmendOptions
        {
            Target = full,
            User = Tester,
            Date = Today,
            Comment = "Another comment",
            Author = "other",
            NewDate = Instant.FromDateTime(new DateTimeOffset(2024, 1, 12, 13, 14, 15, TimeSpan.Zero)),
            Color = "112233",
            AddedTags = ["extra"],
        });
        NextDay();
        Stock("amend", "feature", "--branch", "renamed", "--hide", "--close");
        tags.Amend(
            new AmendOptions
            {
                Target = feature.Rid,
                User = Tester,
                Date = Today,
                Branch = "renamed",
                Hides = true,
                Closes = true
            });
        NextDay();
        Stock("branch", "reopen", "renamed");
        tags.Reopen(feature.Rid, Tester, Today);
        NextDay();
        Stock("branch", "unhide", "renamed");
        tags.Unhide(feature.Rid, Tester, Today);

        repository.Checkpoint();

        // Differs from Fossil: what is private is not noted as unsent, since it is never sent.
        repository.Database.Execute("INSERT INTO unsent SELECT rid FROM private");
        using var theirs = Repository.Open(_theirs, RepositoryOptions.ReadOnly);
        var expected = TablesOf(
            theirs, RepositoryTables.ArtifactQueries, RepositoryTables.DerivedQueries, RepositoryTables.OtherQueries,
            Storage);
        var actual = project.Tables(
            RepositoryTables.ArtifactQueries, RepositoryTables.DerivedQueries, RepositoryTables.OtherQueries, Storage);
        AssertSame(actual, expected);

        void Stock(params string[] arguments) => stock.RunIn(_tree, [.. arguments, "--date-override", TodayText]);
    }

    [Test]
    public void Stock_reads_rebuilds_and_opens_what_we_wrote()
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        string technote, ticket;
        using (var project = new TestProject(_ours))
        {
            var repository = project.Repository;
            var first = project.Commit(
                project.Root, [.. Enumerable.Range(0, 60).Select(i => Put($"d{i % 5}/f{i}", $"file {i}\n"))]);
            var rid = first;
            for (var i = 0; i < 20; i++)
                rid = project.Commit(
                    rid, Put("d1/f1", Lines(50 + i)), Put($"n{i}", "n"),
                    FileChange.Rename($"d2/f{(i * 5) + 2}", $"moved {i}").If(i < 12));
            project.Commit(
                new CommitOptions
                {
                    Parent = rid,
                    User = Tester,
                    Branch = "side",
                    Form = ManifestForm.Delta,
                    Changes = [Put("s", "s")]
                });

            var wiki = new WikiPages(repository);
            project.Wait(TimeSpan.FromMinutes(1));
            wiki.Put(new WikiOptions { Title = "My Page", User = Tester, Body = "first [d1/f1]\n"u8.ToArray() });
            wiki.Put(
                new WikiOptions
                {
                    Title = "My Page",
                    User = Tester,
                    Body = "second\n"u8.ToArray(),
                    Mimetype = "markdown"
                });
            wiki.Put(new WikiOptions { Title = "Gone", User = Tester, Body = "x"u8.ToArray() });
            wiki.Put(new WikiOptions { Title = "Gone", User = Tester, Body = default });
            var notes = new Technotes(repository);
            notes.Put(new TechnoteOptions
            {
                User = Tester,
                About = Instant.FromUnixSeconds(1_704_200_000),
                Comment = "A note",
                Body = "text\n"u8.ToArray(),
                Tags = ["t2", "t1"],
                Color = "#eee",
            });
            technote = notes.List().Single().TechnoteId;
            notes.Put(
                new TechnoteOptions
                {
                    User = Tester,
                    About = Instant.FromUnixSeconds(1_704_200_001),
                    Comment = "A note 2",
                    Body = "more\n"u8.ToArray(),
                    TechnoteId = technote
                });
            var tickets = new Tickets(repository);
            ticket = tickets.Add(
                Tester,
                [new("title", "It breaks"), new("status", "Open"), new("private_contact", "me@example.org")]).TicketId;
            tickets.Change(Tester, ticket[..10], [new("status", "Closed"), new("+comment", "done & dusted")]);
            var attachments = new Attachments(repository);
            attachments.Add(Tester, "My Page", "folder/att.txt", "attached"u8, "why");
            attachments.Add(Tester, ticket, "looks-like-one", Encoding.UTF8.GetBytes(project.TextOf(first)));
            attachments.Add(Tester, technote, "gone.txt", "gone"u8);
            attachments.Remove(Tester, technote, "gone.txt");
            var before = project.Tables(RepositoryTables.ArtifactQueries, RepositoryTables.DerivedQueries);
            repository.Checkpoint();

            stock.MustBeIntact(_ours);
            stock.Run("rebuild", _ours);
            using var rebuilt = Repository.Open(_ours, RepositoryOptions.ReadOnly);
            var after = TablesOf(rebuilt, RepositoryTables.ArtifactQueries, RepositoryTables.DerivedQueries);
            AssertSame(before, after);
        }

        // Opening compares the R card with what it writes; so does going to another version.
        stock.RunIn(_tree, "open", _ours, "--nosync");
        stock.RunIn(_tree, "update", "side");
        stock.RunIn(_tree, "checkout", "trunk", "--force");
        Assert.Equal(Lines(69), File.ReadAllText(Path.Combine(_tree, "d1/f1")));
        Assert.Equal("second", stock.Run("wiki", "export", "My Page", "-R", _ours).Text.Trim());
        Assert.Equal("more", stock.Run("wiki", "export", "--technote", technote, "-R", _ours).Text.Trim());
        Assert.Contains(
            "It breaks", stock.Run("ticket", "history", ticket, "-R", _ours).Text, StringComparison.Ordinal);
        Assert.Contains("moved 0", stock.RunIn(_tree, "finfo", "moved 0").Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Gone", stock.Run("wiki", "ls", "-R", _ours).Text, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_tree, "d1/f1"), "by stock");
        stock.RunIn(_tree, "commit", "-m", "Stock goes on from here", "--no-warnings");
    }

    // What is stored as a delta of what.
    private static IReadOnlyDictionary<string, string> Storage { get; } = new Dictionary<string, string>
    {
        ["delta"] =
            "SELECT target.uuid, source.uuid FROM delta JOIN blob target ON target.rid=delta.rid JOIN blob source ON "
                + "source.rid=srcid",
    };

    private Instant Today => Instant.FromUnixSeconds(1_704_067_200 + (_day * 86_400));

    private string TodayText => DateText.Format(Today);

    private void NextDay() => _day++;

    private void Write(string name, string content)
    {
        var path = Path.Combine(_tree, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);

        // Stock looks at size and time only; both may be the same as before.
        File.SetLastWriteTimeUtc(path, new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays(_day + 1));
    }

    private static string Lines(int count) =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"line {i} of this file, which is long enough\n"));

    private static void AssertSame(RepositoryTables actual, RepositoryTables expected)
    {
        var differences = actual.DifferencesFrom(expected);
        Assert.True(differences.Length == 0, differences);
    }

    private void AssertSameTip(TestProject project, StockFossil stock, RecordId rid)
    {
        var theirs = stock.RunIn(_tree, "artifact", "current").Text;
        Assert.Equal(theirs, project.TextOf(rid));
    }
}

internal static class FileChanges
{
    /// <summary>The change, or a permission that changes nothing.</summary>
    public static FileChange If(this FileChange change, bool isWanted) =>
        isWanted ? change : FileChange.SetPermission("d1/f1", FilePermission.Regular);
}
