using System.CommandLine;
using EdgeSync.Cli.Commands;
using EdgeSync.Net.Http;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Hosting;

/// <summary>The flags of everything that serves; each has an environment variable, which the flag overrules.</summary>
internal static class ServeOptions
{
    private static readonly Option<string?> Certificate = new("--tls-cert")
    {
        Description = "Certificate (PEM, with its chain): serve https. LEAF_TLS_CERT.",
        HelpName = "FILE",
    };

    private static readonly Option<string?> Key = new("--tls-key") { Description = "Its private key (PEM). LEAF_TLS_KEY.", HelpName = "FILE" };

    private static readonly Option<int> RequestMax = new("--max-request-mb")
    {
        Description = "Largest request, in MB. LEAF_MAX_REQUEST_MB.",
        DefaultValueFactory = _ => int.TryParse(Environment.GetEnvironmentVariable("LEAF_MAX_REQUEST_MB"), out var given) ? given : 256,
    };

    private static readonly Option<int> ExchangesMax = new("--max-exchanges")
    {
        Description = "Exchanges at the same time. LEAF_MAX_EXCHANGES.",
        DefaultValueFactory = _ => int.TryParse(Environment.GetEnvironmentVariable("LEAF_MAX_EXCHANGES"), out var given) ? given : 32,
    };

    public static void AddTo(Command command)
    {
        command.Options.Add(Certificate);
        command.Options.Add(Key);
        command.Options.Add(RequestMax);
        command.Options.Add(ExchangesMax);
    }

    public static XferHttpServerOptions Read(CommandContext context, string address)
    {
        var certificate = context.Get(Certificate) ?? Variable("LEAF_TLS_CERT");
        var key = context.Get(Key) ?? Variable("LEAF_TLS_KEY");
        if (key is not null && certificate is null)
            throw new EdgeSyncException(ErrorKind.Usage, "a key without a certificate", "give --tls-cert FILE too");

        var requestMegabytes = context.Get(RequestMax);
        var exchanges = context.Get(ExchangesMax);
        if (requestMegabytes is < 1 or > 2000) throw new EdgeSyncException(ErrorKind.Usage, "--max-request-mb takes 1 to 2000");
        if (exchanges is < 1 or > 10_000) throw new EdgeSyncException(ErrorKind.Usage, "--max-exchanges takes 1 to 10000");

        return new XferHttpServerOptions
        {
            Listen = [ListenAddress.Parse(address)],
            TlsCertificateFile = certificate,
            TlsKeyFile = key,
            RequestBytesMax = (long)requestMegabytes << 20,
            ConcurrentExchangesMax = exchanges,
        };
    }

    public static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
