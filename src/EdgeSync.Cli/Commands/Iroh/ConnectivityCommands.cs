using System.CommandLine;
using System.Net;
using EdgeSync.Node.Iroh.Diagnostics;

namespace EdgeSync.Cli.Commands.Iroh;

/// <summary><c>iroh ping</c> and <c>iroh netcheck</c>: what connects two machines, and what does not.</summary>
internal static class ConnectivityCommands
{
    private const int PingTimeout = 60;

    private static readonly TimeSpan DirectTime = TimeSpan.FromSeconds(10);

    private static readonly IPEndPoint[] AllAddresses = [new(IPAddress.Any, 0), new(IPAddress.IPv6Any, 0)];

    private static readonly Argument<string> Peer = new("PEER") { Description = "Ticket or id of the endpoint." };

    private static readonly Option<string?> Wait = new("--wait")
    {
        Description = "How long to wait for a direct way (default: 10s).",
        HelpName = "TIME"
    };

    private static readonly Option<string[]> Records = new("--pkarr")
    {
        Description = "Look up an id at this pkarr relay (repeatable).",
        HelpName = "URL"
    };

    private static readonly Option<bool> Lan = new("--lan") { Description = "Look up an id on the LAN, by mDNS." };

    private static readonly Option<bool> NoPortMapping = new("--no-port-mapping")
    {
        Description = "Do not ask the router for a port.",
    };

    public static CommandSpec Ping() => new("ping", "Connect to an endpoint, and see which ways work.", PingAsync)
    {
        Arguments = { Peer },
        Options =
        {
            Wait, Records, Lan, IrohTestCommand.Relay, IrohTestCommand.RelayToken, IrohTestCommand.RelayOnly,
            IrohTestCommand.DirectOnly, IrohTestCommand.Alpn, IrohTestCommand.Secret, IrohTestCommand.KeyFile,
            IrohTestCommand.Timeout,
        },
        Notes = "Dials all addresses and relays of the ticket at once, prints each way that data goes, and ends when "
            + "it is a direct one. An endpoint that is not EdgeSync's needs --alpn with a protocol of its own; one "
            + "with an allow-list refuses other keys than those on it, so give --key-file. Exits with 0 when a way "
            + "works, 1 when none does, 3 after --timeout.",
        Examples =
        [
            "iroh ping TICKET", "iroh ping TICKET --wait 30s --json",
            "iroh ping 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8 --lan",
        ],
    };

    public static CommandSpec Check() => new("netcheck", "See what this machine's network lets through.", CheckAsync)
    {
        Options = { IrohTestCommand.Relay, IrohTestCommand.RelayToken, NoPortMapping },
        Notes = "Prints the addresses of this machine, the relays with their round trips, the address that the "
            + "relay sees, which differs behind a NAT, and whether the router maps a port, by PCP, NAT-PMP or UPnP: "
            + "it is given back at the end. A router that does not answer takes 10 s. Contacts only the relays that "
            + "are named, and the router.",
        Examples =
        [
            "iroh netcheck", "iroh netcheck --relay http://relay.example.org:3340 --json",
            "iroh netcheck --no-port-mapping",
        ],
    };

    private static Task<ExitCode> PingAsync(CommandContext context, CancellationToken cancellationToken)
    {
        var time = context.Get(IrohTestCommand.Timeout) is { } text
            ? IrohTestCommand.TimeOf(text)
            : TimeSpan.FromSeconds(PingTimeout);
        return IrohTestCommand.GuardAsync(context, "ping", time, async stop =>
        {
            var options = OptionsOf(context) with
            {
                Secret = context.Get(IrohTestCommand.Secret),
                KeyFile = context.Get(IrohTestCommand.KeyFile),
                Alpns = context.Get(IrohTestCommand.Alpn) ?? [],
                RelayOnly = context.Get(IrohTestCommand.RelayOnly),
                DirectOnly = context.Get(IrohTestCommand.DirectOnly),
                Records = context.Get(Records) ?? [],
                Lan = context.Get(Lan),
            };
            var ping = new PeerPing(options, context.Require(Peer), line => IrohTestCommand.Write(context, line));
            var wait = context.Get(Wait) is { } wanted ? IrohTestCommand.TimeOf(wanted) : DirectTime;
            return Print(context, await ping.RunAsync(wait, stop));
        }, cancellationToken);
    }

    private static Task<ExitCode> CheckAsync(CommandContext context, CancellationToken cancellationToken) =>
        IrohTestCommand.GuardAsync(
            context, "netcheck", null,
            async stop => Print(context, await NetCheck.RunAsync(CheckOptionsOf(context), stop)),
            cancellationToken);

    private static IrohTestOptions CheckOptionsOf(CommandContext context) => OptionsOf(context) with
    {
        MapsPort = !context.Get(NoPortMapping),
    };

    private static IrohTestOptions OptionsOf(CommandContext context) => new()
    {
        Bind = AllAddresses,
        Relays = context.Get(IrohTestCommand.Relay) ?? [],
        RelayToken = context.Get(IrohTestCommand.RelayToken),
    };

    private static ExitCode Print(CommandContext context, IrohTestLine result)
    {
        IrohTestCommand.Write(context, result);
        return result.Ok == true ? ExitCode.Ok : ExitCode.Failed;
    }
}
