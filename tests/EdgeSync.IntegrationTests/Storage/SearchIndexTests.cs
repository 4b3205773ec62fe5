using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Search;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>What is found, where, and what a change of the repository changes.</summary>
public sealed class SearchIndexTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TestProject _project;

    public SearchIndexTests() => _project = new TestProject(_folder["a.fossil"]);

    public void Dispose()
    {
        _project.Dispose();
        _folder.Dispose();
    }

    [Test]
    public void Every_kind_of_text_is_found_under_its_name()
    {
        Fill();
        using var index = SearchIndex.Open(_project.Repository);

        Assert.True(index.Update() >= 7);
        Assert.Equal(["Forum How to start"], Found(index, "question"));
        Assert.Equal(["Files src/pump.c"], Found(index, "valve"));
        Assert.Equal(["Wiki Manual"], Found(index, "how", "pressure"));
        Assert.Equal(["Tickets It leaks"], Found(index, "leaks"));
        Assert.Equal(["Technotes the first release"], Found(index, "first release"));
        Assert.Equal(["Comments mend the seal"], Found(index, "mend"));
        Assert.Equal(["Files src/pump.c"], Found(index, "val*"));
        Assert.Empty(Found(index, "val"));
        Assert.Empty(Found(index, "valve", "nosuchword"));
        Assert.Empty(Found(index, "\"*"));
        Assert.Empty(index.Find(["valve"], SearchAreas.Wiki, 10));
        Assert.Contains("valve", index.Find(["valve"], SearchAreas.All, 10)[0].Snippet, StringComparison.Ordinal);
    }

    [Test]
    public void A_search_takes_in_what_has_changed_and_nothing_else()
    {
        var last = Fill();
        using var index = SearchIndex.Open(_project.Repository);
        index.Update();
        Assert.Equal(0, index.Update());

        _project.Commit(last, TestProject.Put("src/pump.c", "a lever\n"), TestProject.Put("new.txt", "wheel\n"));

        Assert.Equal(3, index.Update());   // two files, one comment
        Assert.Empty(Found(index, "valve"));
        Assert.Equal(["Files src/pump.c"], Found(index, "lever"));
        Assert.Equal(["Files new.txt"], Found(index, "wheel"));
    }

    [Test]
    public void An_index_that_is_made_in_steps_says_how_far_it_is()
    {
        var last = Fill();
        using (var index = SearchIndex.Open(_project.Repository))
        {
            var first = index.UpdateStep(2, long.MaxValue);
            Assert.Equal((2L, false), (first.Ready, first.IsWhole));
            Assert.Equal(first with { Ready = 3 }, index.UpdateStep(100, 1));
        }

        // Also after another program has opened it, and with a change in between.
        _project.Commit(last, TestProject.Put("src/pump.c", "a lever\n"));
        using var again = SearchIndex.Open(_project.Repository);
        var step = again.UpdateStep(1, long.MaxValue);
        while (!step.IsWhole)
        {
            var next = again.UpdateStep(1, long.MaxValue);
            Assert.Equal(step with { Ready = step.Ready + 1 }, next);
            step = next;
        }

        Assert.Equal(0, again.Update());
        Assert.Equal(step.Total, again.Count);
        Assert.Empty(Found(again, "valve"));
        Assert.Equal(["Files src/pump.c"], Found(again, "lever"));
        Assert.Equal(["Forum How to start"], Found(again, "answer"));
    }

    [Test]
    public void The_index_is_a_file_beside_the_repository_that_may_be_lost_or_damaged()
    {
        Fill();
        using (var index = SearchIndex.Open(_project.Repository)) index.Update();
        Assert.True(File.Exists(_folder["a.fossil-search"]));

        File.WriteAllText(_folder["a.fossil-search"], new string('x', 10_000));
        using var again = SearchIndex.Open(_project.Repository);
        again.Update();

        Assert.Equal(["Files src/pump.c"], Found(again, "valve"));
        Assert.False(_project.Repository.Database.HasTable("words"));
    }

    private EdgeSync.Primitives.RecordId Fill()
    {
        var repository = _project.Repository;
        var last = _project.Commit(new CommitOptions
        {
            Parent = _project.Root,
            User = TestProject.Tester,
            Comment = "mend the seal",
            Changes = [TestProject.Put("src/pump.c", "open the valve\n"), TestProject.Put("image", "valve\0\n")],
        });
        new WikiPages(repository).Put(new WikiOptions
        {
            Title = "Manual",
            User = TestProject.Tester,
            Body = Encoding.UTF8.GetBytes("How to read the pressure."),
        });
        new Tickets(repository).Add(TestProject.Tester, [new("title", "It leaks"), new("status", "Open")]);
        new Technotes(repository).Put(new TechnoteOptions
        {
            User = TestProject.Tester,
            About = repository.Now,
            Comment = "the first release",
            Body = Encoding.UTF8.GetBytes("Thanks to all."),
        });
        using var transaction = repository.Begin();
        var author = new ArtifactAuthor(repository);
        var post = author.Store(
            new ArtifactDraft
            {
                Date = repository.Now,
                ThreadTitle = "How to start",
                User = "ann",
                Body = "a question",
            }, ArtifactKind.Forum, isPrivate: false, isUnsent: true);
        author.Store(
            new ArtifactDraft
            {
                Date = repository.Now,
                ThreadRoot = post.Id,
                InReplyTo = post.Id,
                User = "bob",
                Body = "an answer",
            }, ArtifactKind.Forum, isPrivate: false, isUnsent: true);
        transaction.Commit();
        return last;
    }

    private static string[] Found(SearchIndex index, params string[] words) =>
        [.. index.Find(words, SearchAreas.All, 10).Select(h => $"{h.Area} {h.Title}")];
}
