using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Cli.Commands;

/// <summary>The arguments and services of a running command.</summary>
internal sealed class CommandContext(ParseResult parse, Output output) : ISettingArguments
{
    public Output Output => output;

    private readonly Lazy<FoundCheckout?> _checkoutHere =
        new(() => RepositoryFinder.CheckoutAt(Environment.CurrentDirectory));

    public bool IsVerbose => parse.GetValue(Globals.Verbose);

    public TimeProvider Clock { get; } = TimeProvider.System;

    /// <summary>Ends the command from outside; null where the signals of the process do.</summary>
    public CancellationToken? Stop { get; init; }

    /// <summary>The repository of <c>-R</c> or the argument, or the one found from the current folder.</summary>
    /// <exception cref="EdgeSyncException">Both name one; or none is named, and none or several are found.</exception>
    public string RepositoryPath =>
        NamedRepository ?? RepositoryFinder.Find(Environment.CurrentDirectory, CheckoutHere);

    /// <summary>The value of <c>-R</c> or of the argument <c>REPO</c>, or null.</summary>
    public string? NamedRepository
    {
        get
        {
            var (option, argument) = (Get(Globals.Repo), HasWord ? null : Get(Globals.RepoArgument));
            return option is null || argument is null || option == argument
                ? option ?? argument
                : throw new EdgeSyncException(ErrorKind.Usage, $"two repositories are named: {option} and {argument}",
                    "-R FILE, or the file as an argument, not both");
        }
    }

    /// <summary>The argument <c>REPO</c> is another word of the command, and names no repository.</summary>
    public bool HasWord { get; set; }

    /// <summary>The checkout of the current folder as the command found it, or null.</summary>
    private FoundCheckout? CheckoutHere => _checkoutHere.Value;

    /// <summary>In a checkout, and none named, with the version that is checked out.</summary>
    public Repository OpenToRead() => OpenHere(OpenToRead);

    /// <summary>A name of a file as check-ins have it: in a checkout, the path from its root.</summary>
    public string TreePath(string path)
    {
        if (NamedRepository is not null
            || CheckoutHere is not { } checkout) return path;

        var relative = Path.GetRelativePath(checkout.Place.Root, Path.GetFullPath(path)).Replace('\\', '/');
        return relative.StartsWith("../", StringComparison.Ordinal) ? path : relative;
    }

    /// <summary>A repository named by another argument.</summary>
    public Repository OpenToRead(string path) =>
        Repository.Open(path, RepositoryOptions.ReadOnly with { Clock = Clock });

    public Repository OpenToWrite() => OpenHere(OpenToWrite);

    /// <inheritdoc cref="OpenToWrite()"/>
    public Repository OpenToWrite(string path) => Repository.Open(
        path,
        RepositoryOptions.Default with
        {
            Clock = Clock,
            Journal = DatabaseJournal.AsFound,
            Warned = text => output.Errors.WriteLine($"warning: {text}")
        });

    private Repository OpenHere(Func<string, Repository> open)
    {
        var path = RepositoryPath;
        var repository = open(path);
        if (NamedRepository is null && CheckoutHere is { } checkout && checkout.Repository == path)
            repository.Names.Checkout = checkout.Version;
        return repository;
    }

    /// <summary>
    /// The user of new artifacts: <c>--user</c>, that of the checkout, or the login of the operating system.
    /// </summary>
    public string UserName => Get(AuthorOptions.User)
        ?? (NamedRepository is null ? CheckoutHere?.DefaultUser : null)
        ?? SystemUser.Name;

    public T? Get<T>(Option<T> option) => parse.GetValue(option);

    public T? Get<T>(Argument<T> argument) => parse.GetValue(argument);

    public T Require<T>(Option<T> option) => parse.GetRequiredValue(option);

    public T Require<T>(Argument<T> argument) => parse.GetRequiredValue(argument);

    string? ISettingArguments.File => Get(ConfigFile.Option);

    byte[] ISettingArguments.ReadFile(string path) => InputFile.ReadAll(path);

    SettingInput? ISettingArguments.ValueOf(SettingFlag flag) => FlagOption.Of(flag).Read(this);

    /// <summary>The option on the command line; null when it is absent.</summary>
    public System.CommandLine.Parsing.OptionResult? ResultOf(Option option) =>
        parse.GetResult(option) is { Implicit: false } given ? given : null;

    /// <summary>False for a default.</summary>
    public bool IsGiven(Option option) => parse.GetResult(option) is { Implicit: false };
}
