using System.CommandLine;
using EdgeSync.Node.Daemon;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Repo;

/// <summary>The flags of everything that serves; each has an environment variable, which the flag overrules.</summary>
internal static class ServeOptions
{
    private static readonly Option<string?> Certificate = new("--tls-cert")
    {
        Description = "Certificate (PEM, with its chain): serve https. [LEAF_TLS_CERT]",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Key = new("--tls-key") { Description = "Its private key (PEM). [LEAF_TLS_KEY]", HelpName = "FILE" };

    private static readonly Option<int> RequestMax = Choices.Number(
        "--max-request-mb", [], "Largest request, in MB. [LEAF_MAX_REQUEST_MB]", FromVariable("LEAF_MAX_REQUEST_MB", 256), 1, 2000);

    private static readonly Option<int> ExchangesMax = Choices.Number(
        "--max-exchanges", [], "Exchanges at the same time. [LEAF_MAX_EXCHANGES]", FromVariable("LEAF_MAX_EXCHANGES", 32), 1, 10_000);

    public static void AddTo(Command command)
    {
        command.Options.Add(Certificate);
        command.Options.Add(Key);
        command.Options.Add(RequestMax);
        command.Options.Add(ExchangesMax);
    }

    public static ServeLoopOptions Read(CommandContext context, string address)
    {
        var certificate = context.Get(Certificate) ?? Variable("LEAF_TLS_CERT");
        var key = context.Get(Key) ?? Variable("LEAF_TLS_KEY");
        if (key is not null && certificate is null)
            throw new EdgeSyncException(ErrorKind.Usage, "a key without a certificate", "--tls-cert FILE names it");
        if ((key ?? certificate) is { } secret) Secrets.RequirePrivate(secret);

        var requestMegabytes = context.Get(RequestMax);
        var exchanges = context.Get(ExchangesMax);

        return new ServeLoopOptions(address, certificate, key, (long)requestMegabytes << 20, exchanges);
    }

    private static int FromVariable(string name, int otherwise) => int.TryParse(Variable(name), out var given) ? given : otherwise;

    public static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
