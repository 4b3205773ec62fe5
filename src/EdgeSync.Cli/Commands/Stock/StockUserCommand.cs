using System.CommandLine;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Node.Control;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>user</c>. What stock prompts for is an argument here.</summary>
// Spec: user_cmd in user.c.
internal static class StockUserCommand
{
    private const string DefaultUser = "default-user";

    private static readonly Argument<string> Login = new("USERNAME");
    private static readonly Argument<string> Contact = new Argument<string>("CONTACT-INFO").TakesEmpty();
    private static readonly Argument<string> Password = new Argument<string>("PASSWORD").TakesEmpty();
    private static readonly Argument<string?> SomeLogin = new("USERNAME") { Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string?> SomeText =
        new Argument<string?>("TEXT") { Arity = ArgumentArity.ZeroOrOne }.TakesEmpty();

    public static CommandSpec Create() => new("user", "List users, and change them.")
    {
        new CommandSpec("capabilities", "Print or set the capabilities of a user.", context => Change(
            context, static (users, login, text) => users.SetCapabilities(login, text),
            static user => user.Capabilities))
        {
            Arguments = { Login, SomeText },
        },
        new CommandSpec("contact", "Print or set the contact information of a user.", context => Change(
            context, static (users, login, text) => users.SetInfo(login, text), static user => user.Info))
        {
            Arguments = { Login, SomeText },
        },
        new CommandSpec("default", "Print or set the user of new artifacts.", Default) { Arguments = { SomeLogin } },
        new CommandSpec("list", "List users.", List).Also("ls"),
        new CommandSpec("new", "Add a user.", Add) { Arguments = { Login, Contact, Password } },
        new CommandSpec("password", "Set the password of a user.", SetPassword) { Arguments = { Login, Password } },
    };

    private static ExitCode List(CommandContext context)
    {
        using var repository = context.OpenToRead();
        foreach (var user in repository.Users.List().OrderBy(u => u.Login, StringComparer.Ordinal))
            context.Output.Text.Write($"{user.Login,-12} {user.Info}\n");
        return ExitCode.Ok;
    }

    private static ExitCode Add(CommandContext context)
    {
        var login = context.Require(Login);
        using var repository = context.OpenToWrite();
        if (repository.Users.TryGet(login, out _))
            throw new EdgeSyncException(ErrorKind.Conflict, $"user {login} already exists");

        repository.Users.Add(
            login, repository.Settings["default-perms"] ?? "u", context.Require(Password), context.Require(Contact));
        return ExitCode.Ok;
    }

    private static ExitCode SetPassword(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var login = Find(repository, context.Require(Login));
        if (context.Require(Password) is { Length: > 0 } password)
        {
            repository.Users.SetPassword(login, password);
            ControlClient.NotifyUsersChanged(repository.Path);
        }
        else
        {
            context.Output.Text.Write("password unchanged\n");
        }

        return ExitCode.Ok;
    }

    private static ExitCode Change(
        CommandContext context, Action<UserStore, string, string> set, Func<User, string> get)
    {
        var text = context.Get(SomeText);
        using var repository = text is null ? context.OpenToRead() : context.OpenToWrite();
        var login = Find(repository, context.Require(Login));
        if (text is not null)
        {
            set(repository.Users, login, text);
            ControlClient.NotifyUsersChanged(repository.Path);
        }

        context.Output.Text.Write(get(repository.Users.Get(login)) + "\n");
        return ExitCode.Ok;
    }

    private static ExitCode Default(CommandContext context)
    {
        if (context.Get(SomeLogin) is not { } login)
        {
            context.Output.Text.Write(context.UserName + "\n");
            return ExitCode.Ok;
        }

        if (context.NamedRepository is null && RepositoryFinder.CheckoutAt(Environment.CurrentDirectory) is not null)
        {
            using var checkout = context.OpenCheckout();
            checkout.Tables[DefaultUser] = Find(checkout.Repository, login);
            return ExitCode.Ok;
        }

        using var repository = context.OpenToWrite();
        using var transaction = repository.Begin();
        repository.Settings.Set(DefaultUser, Find(repository, login));
        transaction.Commit();
        return ExitCode.Ok;
    }

    private static string Find(Repository repository, string login) => repository.Users.TryGet(login, out _)
        ? login
        : throw new EdgeSyncException(ErrorKind.NotFound, $"no such user: {login}");
}
