using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Storage;

namespace EdgeSync.Cli.Commands;

/// <summary>What a running command has at hand.</summary>
internal sealed class CommandContext(ParseResult parse, Output output)
{
    public Output Output => output;

    public bool IsVerbose => parse.GetValue(Globals.Verbose);

    public TimeProvider Clock { get; } = TimeProvider.System;

    /// <summary>The repository that <c>-R</c> names, or that is found from here.</summary>
    public string RepositoryPath => Get(Globals.Repo) ?? RepositoryFinder.Find(Environment.CurrentDirectory);

    public Repository OpenToRead() => Repository.Open(RepositoryPath, RepositoryOptions.ReadOnly with { Clock = Clock });

    public Repository OpenToWrite() => Repository.Open(RepositoryPath, RepositoryOptions.Default with { Clock = Clock });

    /// <summary>The login of the operating system, as in <c>--user</c>'s default.</summary>
    public static string SystemUser => Environment.UserName is { Length: > 0 } name ? name : "anonymous";

    public T? Get<T>(Option<T> option) => parse.GetValue(option);

    public T? Get<T>(Argument<T> argument) => parse.GetValue(argument);

    public T Require<T>(Option<T> option) => parse.GetRequiredValue(option);

    public T Require<T>(Argument<T> argument) => parse.GetRequiredValue(argument);

    /// <summary>False when a default stands in.</summary>
    public bool IsGiven(Option option) => parse.GetResult(option) is { Implicit: false };
}
