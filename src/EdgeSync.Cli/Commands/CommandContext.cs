using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;

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

    public Repository OpenToWrite() => Repository.Open(
        RepositoryPath, RepositoryOptions.Default with { Clock = Clock, Journal = DatabaseJournal.AsFound });

    /// <summary>The login of the person at the keyboard, found as stock finds it.</summary>
    public static string SystemUser
    {
        get
        {
            foreach (var variable in (ReadOnlySpan<string>)["FOSSIL_USER", "USER", "LOGNAME", "USERNAME"])
            {
                if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } user) return user;
            }

            return Environment.UserName is { Length: > 0 } name ? name : "anonymous";
        }
    }

    /// <summary>Who signs what is made: <c>--user</c>, or the login of the operating system.</summary>
    public string UserName => Get(AuthorOptions.User) ?? SystemUser;

    public T? Get<T>(Option<T> option) => parse.GetValue(option);

    public T? Get<T>(Argument<T> argument) => parse.GetValue(argument);

    public T Require<T>(Option<T> option) => parse.GetRequiredValue(option);

    public T Require<T>(Argument<T> argument) => parse.GetRequiredValue(argument);

    /// <summary>False when a default stands in.</summary>
    public bool IsGiven(Option option) => parse.GetResult(option) is { Implicit: false };
}
