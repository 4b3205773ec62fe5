using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Commands.Repo;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>A command line that begins with a command's name gets that branch alone, so names must find what is called so.</summary>
public sealed class CommandNamesTests
{
    [Fact]
    public void Every_name_finds_the_command_of_that_name()
    {
        Assert.All(CommandLine.Names, name => Assert.Equal(name, CommandLine.Find([name])!.Name));
        Assert.All(RepoCommand.Names, name => Assert.Equal(name, RepoCommand.Find(name)!.Name));
    }

    [Theory]
    [InlineData("ls", "ls")]
    [InlineData("l", null)]
    [InlineData("--help", null)]
    [InlineData(null, null)]
    public void Only_a_name_leaves_the_others_out(string? word, string? only)
    {
        var names = RepoCommand.Create(word).Subcommands.Select(c => c.Name);

        Assert.Equal(only is null ? RepoCommand.Names : [only], names);
    }
}
