using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>docs/commands.md says what the program takes.</summary>
public sealed class ReferenceTests
{
    [Test]
    public void The_document_is_what_the_program_prints()
    {
        var document = File.ReadAllText(Path.Combine(Vectors.RepositoryRoot, "docs", "commands.md"));

        // When it fails: edgesync man --format markdown > docs/commands.md
        Assert.Equal(document.Split('\n'), InProcessCli.Run("man", "--format", "markdown").Output.Split('\n'));
    }

    [Test]
    public void Every_command_has_its_place()
    {
        var page = InProcessCli.Run("man", "--format", "markdown").Output;

        Assert.All(InProcessCli.Leaves(InProcessCli.Tree()), leaf =>
        {
            var alone = leaf.Path[0] == "repo" ? leaf.Path[1..] : leaf.Path;
            Assert.True(
                page.Contains($"## edgesync {string.Join(' ', leaf.Path)}\n", StringComparison.Ordinal)
                    || page.Contains($"## edgesync {string.Join(' ', alone)}\n", StringComparison.Ordinal),
                string.Join(' ', leaf.Path));
        });
    }
}
