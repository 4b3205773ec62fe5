using EdgeSync.Cli.Commands;
using EdgeSync.IntegrationTests.Storage.Authoring;
using EdgeSync.Storage.Authoring;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>Completion offers what the repository on the line holds.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _hash;

    public CompletionTests()
    {
        using var project = new TestProject(_folder["a.fossil"]);
        var made = project.Commit(new CommitOptions
        {
            Parent = project.Root,
            User = TestProject.Tester,
            Comment = "a fix",
            Branch = "fix-1",
            Tags = ["release-2"],
            Changes = [TestProject.Put("a.txt", "1\n")],
        });
        _hash = project.Repository.Content.NameOf(made).ToString();
        new WikiPages(project.Repository).Put(new WikiOptions
        {
            Title = "Manual",
            User = TestProject.Tester,
            Body = "text"u8.ToArray(),
        });
        using var transaction = project.Repository.Begin();
        project.Repository.Unversioned.Put("handbook.pdf", "x"u8.ToArray());
        transaction.Commit();
    }

    public void Dispose() => _folder.Dispose();

    [Test]
    [Arguments("repo extract --version f", "fix-1")]
    [Arguments("repo extract --version rel", "release-2")]
    [Arguments("update f", "fix-1")]
    [Arguments("repo user capabilities nob", "nobody")]
    [Arguments("repo wiki export M", "Manual")]
    [Arguments("repo uv get h", "handbook.pdf")]
    [Arguments("repo config get ignore", "ignore-glob")]
    [Arguments("repo configuration reset tick", "ticket")]
    [Arguments("repo all back", "backup")]
    public void Names_of_the_repository_are_offered(string line, string word) =>
        Assert.Contains(word, Offered(line));

    [Test]
    public void A_hash_that_is_begun_is_completed()
    {
        Assert.Contains(_hash[..16], Offered($"repo ls {_hash[..5]}"));
        Assert.DoesNotContain(_hash[..16], Offered("repo ls "));
    }

    private List<string> Offered(string line)
    {
        var whole = $"edgesync -R {_folder["a.fossil"]} {line}";
        return [.. Completion.Offer([$"[suggest:{whole.Length}]", whole], InProcessCli.Tree())];
    }
}
