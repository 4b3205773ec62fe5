using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Net.Pages;

/// <summary>Pages that are kept: the same bytes until the repository has changed, and never those of a login.</summary>
public sealed class PageCacheTests
{
    [Test]
    public async Task A_page_follows_each_change_of_the_repository_and_of_rights()
    {
        await using var site = await Site.StartAsync(
            p => p.Repository.Users.Add("ann", "o", "right"));
        var before = await site.GetAsync("/timeline");
        Assert.Equal(before.Tag, (await site.GetAsync("/timeline")).Tag);
        Assert.Equal(304, (await site.GetAsync("/timeline", tag: before.Tag)).Status);

        using (var project = TestProject.Open(site.Path))
        {
            project.Commit(new CommitOptions
            {
                Parent = project.Repository.Names.ResolveCheckin("trunk"),
                User = TestProject.Tester,
                Comment = "while it is kept",
                Changes = [TestProject.Put("e.txt", "e\n")],
            });
        }

        // Each reader of the pool has its own.
        for (var i = 0; i < 20; i++)
            Assert.Contains("while it is kept", (await site.GetAsync("/timeline")).Body, StringComparison.Ordinal);

        // Of a session nothing is kept, and nothing kept is shown to one.
        await site.LogInAsync("ann", "right");
        Assert.Contains("Log out ann", (await site.GetAsync("/timeline")).Body, StringComparison.Ordinal);
        using (var repository = Repository.Open(site.Path)) repository.Users.SetCapabilities("nobody", "");
        Assert.Equal(200, (await site.GetAsync("/timeline")).Status);
        await using var other = await Site.StartAsync();
        using (var repository = Repository.Open(other.Path)) repository.Users.SetCapabilities("nobody", "");
        for (var i = 0; i < 20; i++) Assert.Equal(302, (await other.GetAsync("/timeline")).Status);
    }

    [Test]
    public void What_is_kept_is_bounded_and_made_again_after_a_commit()
    {
        using var folder = new TemporaryFolder();
        using var project = new TestProject(folder["a.fossil"]);
        using var reader = Repository.Open(folder["a.fossil"], RepositoryOptions.ReadOnly);
        var cache = new PageCache();
        var made = 0;
        PageAnswer Make(int bytes, int status = 200)
        {
            made++;
            return new PageAnswer(status, "text/plain", new byte[bytes]);
        }

        var first = cache.Of(reader, "a", () => Make(10));
        Assert.Same(first, cache.Of(reader, "a", () => Make(10)));
        Assert.NotSame(first, cache.Of(reader, "b", () => Make(10)));
        Assert.Equal(2, made);
        project.Repository.Settings["project-name"] = "x";
        Assert.NotSame(first, cache.Of(reader, "a", () => Make(10)));

        // Neither pages that are none, nor large ones, nor those of long addresses.
        made = 0;
        foreach (var (key, bytes, status) in ((string?, int, int)[])[
            (null, 1, 200), ("c", 1, 404), ("d", 300_000, 200), (new string('x', 1001), 1, 200)])
        {
            cache.Of(reader, key, () => Make(bytes, status));
            cache.Of(reader, key, () => Make(bytes, status));
        }

        Assert.Equal(8, made);

        // Nor more than a few megabytes, however many repositories and addresses there are.
        for (var i = 0; i < 500; i++)
        {
            cache.Of(i % 2 == 0 ? reader : project.Repository, $"e{i}", () => Make(50_000));
            Assert.True(cache.Bytes <= PageCache.BytesMax);
        }

        for (var i = 0; i < 5000; i++) cache.Of(reader, $"f{i}", () => Make(1));
        Assert.True(cache.Bytes <= 2000, $"{cache.Bytes} pages of a byte");
    }
}
