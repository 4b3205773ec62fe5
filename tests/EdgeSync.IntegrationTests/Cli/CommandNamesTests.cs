using System.CommandLine;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>A command line that begins with a command's name gets that branch alone, so names must find what is called so.</summary>
public sealed class CommandNamesTests
{
    [Fact]
    public void Every_name_finds_the_command_of_that_name()
    {
        Assert.All(CommandLine.Names, n => Assert.Equal([n.Name], Children(CommandLine.Build(Nowhere(), [n.Name]))));
        Assert.All(RepoCommand.Names, n => Assert.Equal([n.Name], Children(RepoCommand.Create(n.Name))));
        Assert.All(RepoCommand.Names, n => Assert.All(n.Aliases, a => Assert.Equal([n.Name], Children(RepoCommand.Create(a)))));
    }

    [Theory]
    [InlineData("ls", "ls")]
    [InlineData("ti", "timeline")]
    [InlineData("commit", "ci")]
    [InlineData("checkout", "co")]
    [InlineData("p", null)]
    [InlineData("nosuch", null)]
    [InlineData("--help", null)]
    [InlineData(null, null)]
    public void Only_a_name_leaves_the_others_out(string? word, string? only) =>
        Assert.Equal(only is null ? RepoCommand.Names.Select(n => n.Name) : [only], Children(RepoCommand.Create(word)));

    [Theory]
    [InlineData("repo commit -m x f", "edgesync repo ci")]
    [InlineData("repo time", "edgesync repo timeline")]
    [InlineData("rep ti", "edgesync repo timeline")]
    [InlineData("repo br list", "edgesync repo branch ls")]
    [InlineData("repo tag list", "edgesync repo tag ls")]
    [InlineData("repo uv rm a", "edgesync repo uv delete")]
    [InlineData("repo uv add a b", "edgesync repo uv put")]
    [InlineData("repo user ls", "edgesync repo user list")]
    [InlineData("repo user delete a", "edgesync repo user rm")]
    [InlineData("repo init a", "edgesync repo new")]
    [InlineData("repo sql x", "edgesync repo query")]
    [InlineData("-R a.fossil repo tim", "edgesync repo timeline")]
    [InlineData("--json repo w l", "edgesync repo wiki ls")]
    [InlineData("vers", "edgesync version")]
    public void Fossils_names_and_unique_beginnings_stand_for_a_command(string line, string path) =>
        Assert.Equal(path, Verb.PathOf(CommandLine.Parse(line.Split(' '), Nowhere()).CommandResult.Command));

    [Theory]
    [InlineData("repo opne", "has no command 'opne'")]
    [InlineData("repo timelin --mistyped", "unknown option --mistyped")]
    [InlineData("leef", "did you mean leaf?")]
    [InlineData("commit", "did you mean edgesync repo commit?")]
    [InlineData("repo timelnie", "did you mean timeline?")]
    [InlineData("repo timeline --limt 3", "did you mean --limit?")]
    [InlineData("repo tag add x --verson", "did you mean --version?")]
    [InlineData("repo p", "several commands that begin with 'p': purge, pull, push")]
    [InlineData("repo timeline -n abc", "--limit: 'abc' is not a whole number (0 or more)")]
    [InlineData("repo timeline -n -5", "--limit: '-5' is not a whole number (0 or more)")]
    [InlineData("repo timeline -t x", "--type: 'x' is not one of all, ci, w, t, e, g, f")]
    [InlineData("completion tcsh", "SHELL: 'tcsh' is not one of bash, zsh, fish")]
    [InlineData("completion zhs", "did you mean zsh?")]
    [InlineData("repo sync --timeout soon", "--timeout: invalid duration 'soon' (examples: 30s, 10m, 2h, 7d)")]
    [InlineData("repo uv get x -o --forse", "--output needs a value, and --forse looks like an option")]
    [InlineData("repo uv get", "NAME is missing")]
    [InlineData("repo user add alice", "--cap is missing")]
    [InlineData("repo info -R", "--repo needs a value")]
    [InlineData("repo info -R a -R b", "--repo is given twice")]
    [InlineData("repo uv ls extra", "unexpected argument 'extra'")]
    public void A_slip_is_named_and_answered_with_what_was_meant(string line, string said)
    {
        var run = InProcessCli.Run(line.Split(' '));

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains(said, run.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("repo ci -m", "- a dash", "f")]
    [InlineData("repo timeline -n", "5")]
    [InlineData("repo ls --", "--looks-like-an-option")]
    [InlineData("repo ci --message=--force", "f")]
    public void What_may_begin_with_a_dash_still_may(string line, params string[] rest) =>
        CommandLine.Parse([.. line.Split(' '), .. rest], Nowhere());

    [Theory]
    [InlineData("help", "Usage: edgesync COMMAND")]
    [InlineData("repo help", "Usage: edgesync repo COMMAND")]
    [InlineData("help repo ci", "Usage: edgesync repo ci")]
    [InlineData("repo help ci", "Usage: edgesync repo ci")]
    [InlineData("repo commit --help", "Usage: edgesync repo ci")]
    public void Help_is_a_word_too(string line, string said)
    {
        var run = InProcessCli.Run(line.Split(' '));

        Assert.Equal(ExitCode.Ok, run.Code);
        Assert.Contains(said, run.Output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Children(Command command) => command.Subcommands.Select(c => c.Name);

    private static Output Nowhere() => Output.To(Stream.Null, Stream.Null, isJson: false);
}
