using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

internal static class InviteCommand
{
    private static readonly Argument<string> Login = new("LOGIN") { Description = "Who is invited; created unless the user exists." };
    private static readonly Option<string?> Url = new("--url") { Description = "Where to clone from (default: the last peer that was synced with).", HelpName = "URL" };
    private static readonly Option<TimeSpan> TimeToLive = Choices.Duration("--ttl", "How long the login works; 0 for ever.", TimeSpan.Zero);

    public static Verb Create() => new("invite", "Print one command that lets somebody clone.", Run)
    {
        Arguments = { Login },
        Options = { UserCommand.Capabilities, Url, TimeToLive },
        Notes = UserCommand.Letters + "\nAn invitation always gives g (clone) too.",
        Examples = ["repo invite bob --cap oi --url https://host/project --ttl 7d"],
    };

    private static ExitCode Run(CommandContext context)
    {
        using var repository = context.OpenToWrite();
        var url = context.Get(Url) ?? repository.Settings["last-sync-url"] ?? throw new EdgeSyncException(
            ErrorKind.Usage, "an invitation needs an address to clone from", "--url http://this-host:8080");
        url = PeerUrl.Parse(url).ToString();
        var timeToLive = context.Get(TimeToLive);
        var token = repository.Users.Invite(
            context.Require(Login), context.Require(UserCommand.Capabilities), url, timeToLive > TimeSpan.Zero ? timeToLive : null);
        var expires = timeToLive > TimeSpan.Zero ? (repository.Now + timeToLive).ToString() : null;
        context.Output.Write(
            new InviteReport(token.Login, token.Capabilities, token.Url, token.Encode(), expires));
        return ExitCode.Ok;
    }
}

internal sealed record InviteReport(string Login, string Capabilities, string Url, string Token, string? ExpiresAt) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"edgesync repo clone --invite {Token} project.fossil");
        output.WriteLine();
        output.WriteLine("The token holds a password: give it only to the person it is for.");
        if (ExpiresAt is not null) output.WriteLine($"It works until {DisplayText.Minute(ExpiresAt)} UTC.");
    }
}
