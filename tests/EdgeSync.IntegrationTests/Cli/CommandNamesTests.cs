using System.CommandLine;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Printing;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>
/// A command line that begins with a command's name gets that branch alone, so names must find what is called so.
/// </summary>
public sealed class CommandNamesTests
{
    [Test]
    public void Every_name_finds_the_command_of_that_name()
    {
        Assert.All(CommandLine.Names, n => Assert.Equal([n.Name], Children(CommandLine.Build(Nowhere(), [n.Name]))));
        Assert.All(RepoCommand.Names, n => Assert.Equal([n.Name], Children(RepoCommand.Create(n.Name))));
        Assert.All(
            RepoCommand.Names,
            n => Assert.All(n.Aliases, a => Assert.Equal([n.Name], Children(RepoCommand.Create(a)))));
    }

    [Test]
    [Arguments("ls", "ls")]
    [Arguments("ti", "timeline")]
    [Arguments("commit", "ci")]
    [Arguments("checkout", "co")]
    [Arguments("p", null)]
    [Arguments("nosuch", null)]
    [Arguments("--help", null)]
    [Arguments(null, null)]
    public void Only_a_name_leaves_the_others_out(string? word, string? only) =>
        Assert.Equal(only is null ? RepoCommand.Names.Select(n => n.Name) : [only], Children(RepoCommand.Create(word)));

    [Test]
    [Arguments("repo commit -m x f", "edgesync repo ci")]
    [Arguments("repo time", "edgesync repo timeline")]
    [Arguments("rep ti", "edgesync repo timeline")]
    [Arguments("repo br list", "edgesync repo branch ls")]
    [Arguments("repo tag list", "edgesync repo tag ls")]
    [Arguments("repo uv rm a", "edgesync repo uv delete")]
    [Arguments("repo uv add a b", "edgesync repo uv put")]
    [Arguments("repo user ls", "edgesync repo user list")]
    [Arguments("repo user delete a", "edgesync repo user rm")]
    [Arguments("repo init a", "edgesync repo new")]
    [Arguments("repo sql x", "edgesync repo query")]
    [Arguments("-R a.fossil repo tim", "edgesync repo timeline")]
    [Arguments("--json repo w l", "edgesync repo wiki ls")]
    [Arguments("vers", "edgesync version")]
    [Arguments("ti", "edgesync repo timeline")]
    [Arguments("commit -m x f", "edgesync commit")]
    [Arguments("ci -m x f", "edgesync commit")]
    [Arguments("co trunk", "edgesync checkout")]
    [Arguments("delete x", "edgesync rm")]
    [Arguments("addr", "edgesync addremove")]
    [Arguments("repo status", "edgesync repo status")]
    [Arguments("br ls", "edgesync repo branch ls")]
    [Arguments("stat", "edgesync status")]
    [Arguments("-R a.fossil diff --checkin tip", "edgesync repo diff")]
    public void Fossils_names_and_unique_beginnings_stand_for_a_command(string line, string path) =>
        Assert.Equal(path, CommandSpec.PathOf(CommandLine.Parse(line.Split(' '), Nowhere()).CommandResult.Command));

    [Test]
    [Arguments("repo opne", "has no command 'opne'")]
    [Arguments("repo timelin --mistyped", "unknown option --mistyped")]
    [Arguments("leef", "did you mean leaf?")]
    [Arguments("timelnie", "did you mean timeline?")]
    [Arguments("repo timelnie", "did you mean timeline?")]
    [Arguments("repo timeline --limt 3", "did you mean --limit?")]
    [Arguments("repo tag add x --verson", "did you mean --version?")]
    [Arguments("repo p", "several commands that begin with 'p': purge, pull, push")]
    [Arguments("repo timeline -n abc", "--limit: 'abc' is not a whole number (0 or more)")]
    [Arguments("repo timeline -n -5", "--limit: '-5' is not a whole number (0 or more)")]
    [Arguments("repo timeline -t x", "--type: 'x' is not one of all, ci, w, t, e, g, f")]
    [Arguments("completion tcsh", "SHELL: 'tcsh' is not one of bash, zsh, fish")]
    [Arguments("completion zhs", "did you mean zsh?")]
    [Arguments("repo sync --timeout soon", "--timeout: invalid duration 'soon' (examples: 30s, 10m, 2h, 7d)")]
    [Arguments("repo uv get x -o --forse", "--output needs a value, and --forse looks like an option")]
    [Arguments("repo uv get", "UVFILE is missing")]
    [Arguments("repo user add alice", "--cap is missing")]
    [Arguments("repo info -R", "--repo needs a value")]
    [Arguments("repo info -R a -R b", "--repo is given twice")]
    [Arguments("repo uv ls extra", "unexpected argument 'extra'")]
    public void An_unknown_word_gets_a_suggestion(string line, string said)
    {
        var run = InProcessCli.Run(line.Split(' '));

        Assert.Equal(ExitCode.Usage, run.Code);
        Assert.Contains(said, run.Errors, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("repo ci -m", "- a dash", "f")]
    [Arguments("repo timeline -n", "5")]
    [Arguments("repo ls --", "--looks-like-an-option")]
    [Arguments("repo ci --message=--force", "f")]
    public void What_may_begin_with_a_dash_still_may(string line, params string[] rest) =>
        CommandLine.Parse([.. line.Split(' '), .. rest], Nowhere());

    [Test]
    [Arguments("help", "Usage: edgesync COMMAND")]
    [Arguments("repo help", "Usage: edgesync repo COMMAND")]
    [Arguments("help repo ci", "Usage: edgesync repo ci")]
    [Arguments("repo help ci", "Usage: edgesync repo ci")]
    [Arguments("repo commit --help", "Usage: edgesync repo ci")]
    public void Help_is_a_command_too(string line, string said)
    {
        var run = InProcessCli.Run(line.Split(' '));

        Assert.Equal(ExitCode.Ok, run.Code);
        Assert.Contains(said, run.Output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Children(Command command) => command.Subcommands.Select(c => c.Name);

    private static Output Nowhere() => Output.To(Stream.Null, Stream.Null, isJson: false);
}
