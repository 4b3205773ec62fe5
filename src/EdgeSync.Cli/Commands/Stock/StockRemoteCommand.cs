using System.CommandLine;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Queries;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>Stock's <c>remote</c>: its first word is a subcommand, an address, or the name of a remote.</summary>
// Spec: remote_url_cmd in sync.c.
internal static class StockRemoteCommand
{
    private const int CheckinDigits = 16, FileDigits = 10;

    private static readonly string[] Schemes = ["http://", "https://", "ssh:", "file:"];

    private static readonly Argument<string[]> Words = new("WORDS") { Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<bool> ShowsPasswords = new("--show-passwords");

    public static CommandSpec Create() => new("remote", "Show and change the remembered peers.", Run)
    {
        Arguments = { Words },
        Options = { ShowsPasswords },
    };

    private static ExitCode Run(CommandContext context)
    {
        var words = context.Get(Words) ?? [];
        using var repository = context.OpenToWrite();
        var output = context.Output.Text;
        switch (words)
        {
            case []:
                var (url, _) = SavedPeer.Read(repository);
                output.Write((url is null ? "off" : PeerAddress.Parse(url).ToString()) + "\n");
                break;
            case ["off"]:
                SavedPeer.Forget(repository, SavedPeer.Default);
                break;
            case ["ls"]:
            case [var list] when Begins("list", list):
                foreach (var peer in SavedPeer.List(repository)) output.Write($"{peer.Name,-18} {peer.Url}\n");
                break;
            case ["add", "default", _]:
                throw new EdgeSyncException(
                    ErrorKind.Usage,
                    "update the \"default\" remote-url with 'fossil remote REF'\n"
                        + "see 'fossil help remote' for complete usage information");
            case ["add", var name, var address]:
                var (added, password) = Named(repository, address);
                SavedPeer.Write(repository, name, added, password);
                break;
            case [var delete, var name] when Begins("delete", delete):
                SavedPeer.Forget(repository, name);
                break;
            case [var hyperlink, .. var rest] when Begins("hyperlink", hyperlink):
                output.Write(Hyperlink(context, repository, rest) + "\n");
                break;
            case [var scrub] when Begins("scrub", scrub):
                SavedPeer.ForgetPasswords(repository);
                break;
            case [var data] when Begins("config-data", data):
                PrintData(context, repository);
                break;
            case [var other] when IsAddress(other) || SavedPeer.Read(repository, other).Url is not null:
                var (chosen, secret) = Named(repository, other);
                SavedPeer.Write(repository, SavedPeer.Default, chosen, secret);
                break;
            default:
                throw new EdgeSyncException(
                    ErrorKind.Usage,
                    $"unknown command \"{words[0]}\" - should be a URL or one of: add delete hyperlink list off scrub");
        }

        return ExitCode.Ok;
    }

    private static bool Begins(string command, string word) =>
        word.Length > 0 && command.StartsWith(word, StringComparison.Ordinal);

    private static bool IsAddress(string text) =>
        Schemes.Any(scheme => text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase));

    private static (string Url, string? Password) Named(Repository repository, string text)
    {
        if (SavedPeer.Read(repository, text) is ({ } known, var password)) return (known, password);

        var url = PeerAddress.Parse(text);
        return (url.ToString(), url.Password);
    }

    // Passwords as stars, without --show-passwords.
    private static void PrintData(CommandContext context, Repository repository)
    {
        static bool IsSecret(Setting s) => s.Name.Contains("sync-pw", StringComparison.Ordinal)
            || s.Name == "parent-project-pw";
        var rows = repository.Settings.List().Where(s =>
            (s.Name.StartsWith("sync-", StringComparison.Ordinal) && s.Name.Contains(':', StringComparison.Ordinal))
            || s.Name.StartsWith("last-sync-", StringComparison.Ordinal)
            || s.Name.StartsWith("parent-project-", StringComparison.Ordinal)).OrderBy(IsSecret).ToList();
        var width = rows.Count == 0 ? 13 : rows.Max(r => r.Name.Length);
        foreach (var row in rows)
        {
            var value = !IsSecret(row) ? row.Value
                : context.Get(ShowsPasswords) ? SavedPeer.Reveal(row.Value)
                : new string('*', Math.Max(0, (row.Value.Length / 2) - 1));
            context.Output.Text.Write($"{row.Name.PadRight(width)}  {value}\n");
        }
    }

    private static string Hyperlink(CommandContext context, Repository repository, string[] words)
    {
        var checkout = repository.Names.Checkout;
        if (checkout.IsNone)
        {
            throw new EdgeSyncException(
                ErrorKind.Usage, "the \"remote hyperlink\" command only works from within an open check-out");
        }

        var (saved, _) = SavedPeer.Read(repository);
        var url = PeerAddress.Parse(saved ?? "http://localhost:8080/");
        if (url.FilePath is not null) url = PeerUrl.Parse("http://localhost:8080/");
        var root = (url with { User = null }).ToString();
        if (words.Length == 0) return $"{root}/info/{repository.Content.NameOf(checkout).ToString()[..CheckinDigits]}";

        var path = context.TreePath(words[0]);
        if (!CheckInTree.Load(repository, checkout).Files.TryFind(PathText.ToBytes(path), out var file))
            throw new EdgeSyncException(ErrorKind.Usage, $"not a managed file: \"{words[0]}\"");

        var lines = words.Skip(1).Select(LineNumber).ToList();
        if (lines is [var first, var last] && last <= first)
            throw new EdgeSyncException(ErrorKind.Usage, "second line number should be greater than the first");

        var query = lines.Count == 0 ? "" : $"?ln={string.Join(',', lines)}";
        return $"{root}/info/{file.Id.ToString()[..FileDigits]}{query}";
    }

    private static int LineNumber(string text) => int.TryParse(text, out var number) && number > 0
        ? number
        : throw new EdgeSyncException(ErrorKind.Usage, $"\"{text}\" is not a valid line number");
}
