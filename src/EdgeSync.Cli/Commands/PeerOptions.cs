using System.CommandLine;
using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>How to reach a peer and log in there; the same flags wherever one is named.</summary>
internal static class PeerOptions
{
    private static readonly Option<string?> User = new("--user", "-u")
    {
        Description = "Login on the peer (default: the one in the URL).",
        HelpName = "LOGIN"
    };

    private static readonly Option<string?> Password = new("--password", "-p", "--pass")
    {
        Description = "Password, visible in the process list; prefer EDGESYNC_PASSWORD or --password-file.",
        HelpName = "PASSWORD",
    };

    private static readonly Option<string?> PasswordFile = new("--password-file", "--pass-file")
    {
        Description = "File whose first line is the password.",
        HelpName = "FILE"
    };

    private static readonly Option<string?> HttpAuth = new("--http-auth", "-B")
    {
        Description = "Basic credentials for a web server in front of the peer.",
        HelpName = "USER:PASSWORD",
    };

    private static readonly Option<TimeSpan> TimeLimit = Choices.Duration(
        "--timeout", "Stop after this time (0: no limit).", TimeSpan.FromMinutes(10));

    public static void AddTo(Command command)
    {
        command.Options.Add(User);
        command.Options.Add(Password);
        command.Options.Add(PasswordFile);
        command.Options.Add(HttpAuth);
        command.Options.Add(TimeLimit);
    }

    /// <summary>The URL with the login of the flags, or null for none.</summary>
    /// <param name="savedPassword">The password that the repository stores for this peer.</param>
    public static (PeerUrl Url, SyncLogin? Login) ReadLogin(CommandContext context, PeerUrl url, string? savedPassword)
    {
        // Access to the file, or to the command at the other end, implies every right.
        if (url.IsSsh || url.FilePath is not null) return (url, null);

        var user = context.Get(User) ?? url.User;
        if (user is null) return (url, null);

        url = url with { User = user };
        var password = context.Get(Password) ?? FromFile(context)
            ?? Environment.GetEnvironmentVariable("EDGESYNC_PASSWORD")
            ?? url.Password ?? savedPassword ?? Ask(context, user, url);
        return (url, new SyncLogin(user, password));
    }

    /// <summary>The transport options of the flags.</summary>
    public static PeerTransportOptions Transport(CommandContext context) => new()
    {
        HttpCredentials = context.Get(HttpAuth),
        OnRetry = (reason, pause) =>
            context.Output.Errors.WriteLine($"edgesync: {reason}; again in {pause.TotalSeconds:F1} s"),
    };

    /// <summary>Cancelled by a signal, or when <c>--timeout</c> is over.</summary>
    public static CancellationTokenSource Limit(CommandContext context, CancellationToken cancellationToken)
    {
        var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var limit = context.Get(TimeLimit);
        if (limit > TimeSpan.FromTicks(1)) limited.CancelAfter(limit);
        return limited;
    }

    private static string? FromFile(CommandContext context)
    {
        if (context.Get(PasswordFile) is not { } file) return null;

        return Secrets.FirstLine(file);
    }

    private static string Ask(CommandContext context, string user, PeerUrl url)
    {
        if (Console.IsInputRedirected)
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{user}' needs a password for {url.Address}",
                "--password-file FILE, or EDGESYNC_PASSWORD");

        context.Output.Errors.Write($"password of {user} at {url.Address}: ");
        var password = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace) password.Length = Math.Max(0, password.Length - 1);
            else if (!char.IsControl(key.KeyChar)) password.Append(key.KeyChar);
        }

        context.Output.Errors.WriteLine();
        return password.ToString();
    }
}
