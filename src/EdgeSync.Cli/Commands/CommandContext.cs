using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Cli.Commands;

/// <summary>What a running command has at hand.</summary>
internal sealed class CommandContext(ParseResult parse, Output output) : ISettingArguments
{
    public Output Output => output;

    public bool IsVerbose => parse.GetValue(Globals.Verbose);

    public TimeProvider Clock { get; } = TimeProvider.System;

    /// <summary>Ends the command from outside; null where the signals of the process do.</summary>
    public CancellationToken? Stop { get; init; }

    /// <summary>The repository that <c>-R</c> or the argument names, or that is found from here.</summary>
    /// <exception cref="EdgeSyncException">Both name one; or none is named, and none or several are found.</exception>
    public string RepositoryPath => NamedRepository ?? RepositoryFinder.Find(Environment.CurrentDirectory);

    /// <summary>What <c>-R</c> or the argument <c>REPO</c> names, or null.</summary>
    public string? NamedRepository
    {
        get
        {
            var (option, argument) = (Get(Globals.Repo), Get(Globals.RepoArgument));
            return option is null || argument is null || option == argument
                ? option ?? argument
                : throw new EdgeSyncException(ErrorKind.Usage, $"two repositories are named: {option} and {argument}",
                    "-R FILE, or the file as an argument, not both");
        }
    }

    public Repository OpenToRead() => OpenToRead(RepositoryPath);

    /// <summary>One that an argument of the command names.</summary>
    public Repository OpenToRead(string path) =>
        Repository.Open(path, RepositoryOptions.ReadOnly with { Clock = Clock });

    public Repository OpenToWrite() => OpenToWrite(RepositoryPath);

    /// <inheritdoc cref="OpenToWrite()"/>
    public Repository OpenToWrite(string path) => Repository.Open(
        path,
        RepositoryOptions.Default with
        {
            Clock = Clock,
            Journal = DatabaseJournal.AsFound,
            Warned = text => output.Errors.WriteLine($"warning: {text}")
        });

    /// <summary>Who signs what is made: <c>--user</c>, or the login of the operating system.</summary>
    public string UserName => Get(AuthorOptions.User) ?? SystemUser.Name;

    public T? Get<T>(Option<T> option) => parse.GetValue(option);

    public T? Get<T>(Argument<T> argument) => parse.GetValue(argument);

    public T Require<T>(Option<T> option) => parse.GetRequiredValue(option);

    public T Require<T>(Argument<T> argument) => parse.GetRequiredValue(argument);

    string? ISettingArguments.File => Get(ConfigFile.Option);

    byte[] ISettingArguments.ReadFile(string path) => InputFile.ReadAll(path);

    SettingInput? ISettingArguments.ValueOf(SettingFlag flag) => FlagOption.Of(flag).Read(this);

    /// <summary>How an option stands on the command line; null when it does not.</summary>
    public System.CommandLine.Parsing.OptionResult? ResultOf(Option option) =>
        parse.GetResult(option) is { Implicit: false } given ? given : null;

    /// <summary>False when a default stands in.</summary>
    public bool IsGiven(Option option) => parse.GetResult(option) is { Implicit: false };
}
