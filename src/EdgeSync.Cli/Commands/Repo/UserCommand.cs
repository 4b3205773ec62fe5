using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

internal static class UserCommand
{
    private static readonly Argument<string> Login = new("LOGIN") { Description = "The user." };

    private static readonly Argument<string?> NewCapabilities = new Argument<string?>("LETTERS")
    {
        Description = "Capability letters (default: print those that the user has).",
        Arity = ArgumentArity.ZeroOrOne
    };

    private static readonly Option<bool> Force = new("--force")
    {
        Description = "Remove even the last user with all capabilities."
    };

    public static readonly Option<string> Capabilities = new Option<string>("--cap")
    {
        Description = "Capability letters; empty gives none.",
        HelpName = "LETTERS",
        Required = true,
    }.TakesEmpty();

    public const string Letters = """
        Letters most used: o read, i write (and read), g clone, h see hashes, x private branches, y unversioned files, a admin,
        s everything, v the rights of 'developer', u those of 'reader'.
        """;

    public static CommandSpec Create() => new("user", "Manage users and their capabilities.")
    {
        new CommandSpec("add", "Add a user and print a password, once.", RunAdd)
        {
            Arguments = { Login }, Options = { Capabilities }, Notes = Letters,
                Examples = ["repo user add alice --cap oih"],
        }.Also("new"),
        new CommandSpec("list", "List users.", RunList) { Examples = ["repo user list"] }.Also("ls"),
        new CommandSpec("update", "Change the capabilities of a user.", RunUpdate)
        {
            Arguments = { Login }, Options = { Capabilities }, Notes = Letters,
                Examples = ["repo user update nobody --cap og"],
        },
        new CommandSpec("capabilities", "Print or set the capabilities of a user.", RunCapabilities)
        {
            Arguments = { Login, NewCapabilities }, Notes = Letters,
                Examples = ["repo user capabilities nobody", "repo user capabilities alice oih"],
        },
        new CommandSpec("rm", "Remove a user.", RunRemove)
        {
            Arguments = { Login },
            Options = { Force },
            Examples = ["repo user rm alice"]
        }.Also("delete", "remove"),
        new CommandSpec("passwd", "Set a new random password and print it, once.", RunPassword)
        {
            Arguments = { Login },
            Examples = ["repo user passwd alice"]
        }.Also("password"),
    };

    private static ExitCode RunAdd(CommandContext context)
    {
        var login = context.Require(Login);
        using var repository = context.OpenToWrite();
        var password = repository.Users.Add(login, context.Require(Capabilities));
        context.Output.Write(new UserReport("created", login, password));
        return ExitCode.Ok;
    }

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = context.OpenToRead();
        var users = repository.Users.List().Select(
            u => new UserEntry(
                u.Login, u.Capabilities, u.HasPassword, u.ExpiresAt?.ToString(), u.IsExpired,
                u.Info.Length > 0 ? u.Info : null));
        context.Output.Write(new UserListReport([.. users]));
        return ExitCode.Ok;
    }

    private static ExitCode RunUpdate(CommandContext context)
    {
        var login = context.Require(Login);
        using var repository = context.OpenToWrite();
        var isSo = repository.Users.TryGet(login, out var user) && user!.Capabilities == context.Require(Capabilities);
        if (!isSo)
        {
            repository.Users.SetCapabilities(login, context.Require(Capabilities));
            ControlClient.NotifyUsersChanged(repository.Path);
        }

        context.Output.Write(new UserReport(isSo ? "already_updated" : "updated", login, null));
        return ExitCode.Ok;
    }

    private static ExitCode RunCapabilities(CommandContext context)
    {
        var login = context.Require(Login);
        var letters = context.Get(NewCapabilities);
        using var repository = letters is null ? context.OpenToRead() : context.OpenToWrite();
        if (letters is not null)
        {
            repository.Users.SetCapabilities(login, letters);
            ControlClient.NotifyUsersChanged(repository.Path);
        }

        context.Output.Write(new CapabilitiesReport(login, repository.Users.Get(login).Capabilities));
        return ExitCode.Ok;
    }

    private static ExitCode RunRemove(CommandContext context)
    {
        var login = context.Require(Login);
        using var repository = context.OpenToWrite();
        var others = repository.Users.List().Where(u => u.Login != login);
        if (!context.Get(Force) && repository.Users.Get(login).Capabilities.Contains('s', StringComparison.Ordinal)
            && !others.Any(u => u.Capabilities.Contains('s', StringComparison.Ordinal)))
            throw new EdgeSyncException(
                ErrorKind.Conflict, $"{login} is the last user that may do everything (capability s)",
                "give another user capability s first, or --force");

        repository.Users.Remove(login);
        ControlClient.NotifyUsersChanged(repository.Path);
        context.Output.Write(new UserReport("deleted", login, null));
        return ExitCode.Ok;
    }

    private static ExitCode RunPassword(CommandContext context)
    {
        var login = context.Require(Login);
        using var repository = context.OpenToWrite();
        var password = repository.Users.SetPassword(login);
        ControlClient.NotifyUsersChanged(repository.Path);
        context.Output.Write(new UserReport("updated", login, password));
        return ExitCode.Ok;
    }
}

/// <param name="Status"><c>created</c>, <c>updated</c>, <c>already_updated</c> or <c>deleted</c>.</param>
/// <param name="Password">Shown this once; only a hash of it is stored.</param>
internal sealed record UserReport(string Status, string Login, string? Password) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine(Status == "already_updated" ? $"{Login} has these capabilities already"
            : $"{char.ToUpperInvariant(Status[0])}{Status[1..]} user {Login}");
        if (Password is not null) output.WriteLine($"password (shown once): {Password}");
    }
}

internal sealed record CapabilitiesReport(string Login, string Capabilities) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Capabilities);
}

internal sealed record UserEntry(
    string Login, string Capabilities, bool HasPassword, string? ExpiresAt, bool IsExpired, string? Info);

internal sealed record UserListReport(IReadOnlyList<UserEntry> Users) : IReport
{
    public void Print(TextWriter output)
    {
        var width = Users.Count == 0 ? 0 : Users.Max(u => u.Login.Length);
        foreach (var user in Users)
        {
            var expiry = user.ExpiresAt is null
                ? ""
                : $"  {(user.IsExpired ? "expired" : "until")} {DisplayText.Minute(user.ExpiresAt)}";
            output.WriteLine(
                $"{DisplayText.Name(user.Login).PadRight(width)}  "
                    + $"{user.Capabilities}{expiry}{(user.Info is { } info ? $"  {DisplayText.OneLine(info)}" : "")}");
        }
    }
}
