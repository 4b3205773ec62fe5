using System.CommandLine;
using System.Globalization;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Iroh;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Iroh;

/// <summary>A relay for iroh endpoints, ours and others'.</summary>
internal static class RelayCommand
{
    private const string Off = "off";

    private static readonly Option<string> Bind = new("--bind")
    {
        Description = "Address to listen on (default: :3340, this machine alone).",
        HelpName = "ADDR",
        DefaultValueFactory = _ => ":3340",
    };

    private static readonly Option<string?> Token = new("--token")
    {
        Description = "Relay only for clients that present this token.",
        HelpName = "TEXT"
    };

    private static readonly Option<string?> TokenFile = new("--token-file")
    {
        Description = "The same, read from a file.",
        HelpName = "FILE"
    };

    private static readonly Option<string?> TlsCert = new("--tls-cert")
    {
        Description = "Certificate, as PEM: listen with TLS.",
        HelpName = "FILE"
    };

    private static readonly Option<string?> TlsKey = new("--tls-key")
    {
        Description = "Its key, as PEM (default: in the certificate's file).",
        HelpName = "FILE"
    };

    private static readonly Option<string?> AddressPort = new("--address-port")
    {
        Description = "UDP port at which clients learn their outer address, or 'off' (default: 7842).",
        HelpName = "PORT"
    };

    private static readonly Option<string?> DnsOrigin = new("--dns-origin")
    {
        Description = "Serve the records of endpoints as this DNS zone.",
        HelpName = "NAME"
    };

    private static readonly Option<string> DnsBind = new("--dns-bind")
    {
        Description = "Address of the zone, UDP and TCP (default: :5300, this machine alone).",
        HelpName = "ADDR",
        DefaultValueFactory = _ => ":5300",
    };

    private static readonly Option<string?> Rate = new("--rate")
    {
        Description = "Bytes a second that one client may send, such as 1M (default: any).",
        HelpName = "SIZE"
    };

    public static CommandSpec Create() => new("relay", "Serve as a relay for endpoints that cannot reach each other.")
    {
        Subcommands =
        {
            new CommandSpec("serve", "Relay datagrams between iroh endpoints until stopped.", ServeAsync)
            {
                Options = { Bind, Token, TokenFile, TlsCert, TlsKey, AddressPort, DnsOrigin, DnsBind, Rate },
                Notes = "A relay passes on encrypted datagrams and can read none of them (docs/privacy.md). Endpoints "
                    + "adopt it by its address, 'http://HOST:3340' or with TLS 'https://HOST'. Records are published "
                    + "at /pkarr, counts are at /metrics. Behind NATs, endpoints need their outer addresses: open the "
                    + "UDP port, too. Endpoints of other makers learn theirs with TLS alone, and at 7842 alone.",
                Examples =
                [
                    "iroh relay serve", "iroh relay serve --bind '*:443' --tls-cert relay.pem --tls-key relay.key",
                    "iroh relay serve --bind :0 --token-file token --json",
                    "iroh relay serve --bind '*:3340' --dns-origin dns.example.org --dns-bind '*:53'",
                ],
            },
        },
    };

    private static async Task<ExitCode> ServeAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var addressPort = context.Get(AddressPort);
        var options = new RelayRunOptions
        {
            Bind = context.Require(Bind),
            Token = TokenOf(context),
            TlsCert = context.Get(TlsCert),
            TlsKey = context.Get(TlsKey),
            AddressPort = PortOf(addressPort),
            TellsAddresses = addressPort != Off,
            DnsOrigin = context.Get(DnsOrigin),
            DnsBind = context.Require(DnsBind),
            BytesPerSecond = RateOf(context),
        };
        var totals = await RelayRun.RunAsync(
            options, context.Clock, addresses => Started(context, addresses), cancellationToken);
        context.Output.Write(new RelayStoppedReport(
            "stopped", totals.Accepted, totals.Authenticated, totals.Denied, totals.Forwarded, totals.Bytes));
        return ExitCode.Ok;
    }

    private static void Started(CommandContext context, RelayRunAddresses addresses)
    {
        context.Output.Write(
            new RelayStartedReport("relay", addresses.Url, addresses.Dns, addresses.AddressPort));
        context.Output.Flush();
    }

    private static int? PortOf(string? text)
    {
        if (text is null or Off) return null;

        return ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? port
            : throw new EdgeSyncException(ErrorKind.Usage, $"--address-port: '{text}' is neither a port nor 'off'");
    }

    private static string? TokenOf(CommandContext context)
    {
        if (context.Get(TokenFile) is not { } file) return context.Get(Token);
        if (context.Get(Token) is not null)
            throw new EdgeSyncException(ErrorKind.Usage, "--token and --token-file are two tokens");

        var text = System.Text.Encoding.UTF8.GetString(InputFile.ReadAll(file)).Trim();
        return text.Length > 0
            ? text : throw new EdgeSyncException(ErrorKind.Usage, $"the token file {file} is empty");
    }

    private static long? RateOf(CommandContext context)
    {
        if (context.Get(Rate) is not { } text) return null;

        return Sizes.TryParse(text, out var bytes) && bytes > 0
            ? bytes : throw new EdgeSyncException(ErrorKind.Usage, $"--rate: '{text}' is not a size such as 1M");
    }
}

internal sealed record RelayStartedReport(string Event, string Url, string? Dns, int? AddressPort) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"relay at {Url} (Ctrl-C to stop)");
        if (AddressPort is not null) output.WriteLine($"  clients learn their outer address at UDP port {AddressPort}");
        if (Dns is not null) output.WriteLine($"  records by DNS at {Dns}");
    }
}

internal sealed record RelayStoppedReport(
    string Event, long Accepted, long Authenticated, long Denied, long Forwarded, long Bytes) : IReport
{
    public void Print(TextWriter output) =>
        output.WriteLine($"stopped: {Authenticated} logins, {Denied} refused; {Forwarded} frames of {Bytes} bytes");
}
