using System.CommandLine;
using System.Text.Json.Serialization;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Control;
using EdgeSync.Node.Host;
using EdgeSync.Node.Joining;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Users;

namespace EdgeSync.Cli.Commands.Repo;

internal static class InviteCommand
{
    private static readonly Argument<string?> Login = new("LOGIN")
    {
        Description = "Login to invite; created unless the user exists (default: the name of the machine that joins).",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> Capabilities = new("--cap")
    {
        Description = "Capability letters (default for a machine that joins: gio).",
        HelpName = "LETTERS",
    };

    private static readonly Option<string?> Url = new("--url")
    {
        Description = "Where to clone from (default: the last peer that was synced with).",
        HelpName = "URL"
    };
    private static readonly Option<TimeSpan> TimeToLive = Choices.Duration(
        "--ttl",
        "How long the code can be used (default 1d), or with --url how long the login works (default: for ever).",
        TimeSpan.Zero);

    public static CommandSpec Create() => new("invite", "Print one command with which another machine joins.", Run)
    {
        Arguments = { Login },
        Options = { Capabilities, Url, TimeToLive },
        Notes = UserCommand.Letters
        + "\nAn invitation always gives g (clone) too. Where 'edgesync up' serves the repository, it is a join code "
            + "that works once; with --url, a token for 'edgesync repo clone --invite TOKEN'.",
        Examples = ["repo invite", "repo invite bob --cap oi --url https://host/project --ttl 7d"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var timeToLive = context.Get(TimeToLive);
        if (context.Get(Url) is null && new NodeFolder(repository.Path) is { Exists: true, IsJoined: false } folder)
        {
            context.Output.Write(CodeOf(context, repository, new SavedNode(folder)));
            ControlClient.NotifyUsersChanged(repository.Path);
            return ExitCode.Ok;
        }

        var login = context.Get(Login) ?? throw new EdgeSyncException(
            ErrorKind.Usage, "an invitation to a server needs a login",
            "edgesync repo invite LOGIN --cap oi --url URL");
        var capabilities = context.Get(Capabilities) ?? throw new EdgeSyncException(
            ErrorKind.Usage, "an invitation gives capabilities", $"edgesync repo invite {login} --cap oi");
        var url = context.Get(Url) ?? repository.Settings["last-sync-url"] ?? throw new EdgeSyncException(
            ErrorKind.Usage, "an invitation needs an address to clone from",
            $"edgesync up {repository.Path}; or --url http://this-host:8080");
        url = PeerUrl.Parse(url).ToString();
        var token = repository.Users.Invite(login, capabilities, url, timeToLive > TimeSpan.Zero ? timeToLive : null);
        var expires = timeToLive > TimeSpan.Zero ? (repository.Now + timeToLive).ToString() : null;
        context.Output.Write(
            new InviteReport(token.Login, token.Capabilities, token.Url, token.Encode(), expires));
        return ExitCode.Ok;
    }

    private static InviteReport CodeOf(CommandContext context, Repository repository, SavedNode node)
    {
        var capabilities = context.Get(Capabilities) ?? JoinTokenStore.Capabilities;
        if (!capabilities.Contains('g', StringComparison.Ordinal)) capabilities += "g";
        var timeToLive = context.Get(TimeToLive) is { Ticks: > 0 } given ? given : UpCommand.TimeToLiveUsual;
        var code = node.MakeCode(repository, timeToLive, capabilities, context.Get(Login));
        return new InviteReport(
            context.Get(Login), capabilities, $"https://{code.Hosts[0]}:{code.WebPort}/", code.Encode(),
            code.ExpiresAt.ToString())
        { IsJoinCode = true };
    }
}

internal sealed record InviteReport(
    string? Login, string Capabilities, string Url, string Token, string? ExpiresAt) : IReport
{
    /// <summary>The token is for <c>edgesync join</c>, and works once.</summary>
    [JsonIgnore]
    public bool IsJoinCode { get; init; }

    public string? Code => IsJoinCode ? Token : null;

    public void Print(TextWriter output)
    {
        output.WriteLine(
            IsJoinCode ? $"edgesync join {Token}" : $"edgesync repo clone --invite {Token} project.fossil");
        output.WriteLine();
        output.WriteLine(
            IsJoinCode ? "The code works once. Keep it secret until then." : "The token contains a password. "
                + "Keep it secret.");
        if (ExpiresAt is not null) output.WriteLine($"It works until {DisplayText.Minute(ExpiresAt)} UTC.");
    }
}
