using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Iroh.Diagnostics;

namespace EdgeSync.Cli.Commands.Iroh;

/// <summary>The group of commands about iroh endpoints.</summary>
internal static class IrohCommand
{
    private static readonly Argument<string?> Ticket = new("TICKET")
    {
        Description = "A ticket to take apart.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Argument<string> KeyArgument = new("FILE") { Description = "File of the secret key." };

    private static readonly Option<string?> Id = new("--id")
    {
        Description = "Id of the endpoint that a ticket is made for.",
        HelpName = "ID"
    };

    private static readonly Option<string[]> Relay = new("--relay")
    {
        Description = "A relay of that endpoint (repeatable).",
        HelpName = "URL"
    };

    private static readonly Option<string[]> Addr = new("--addr")
    {
        Description = "An address of that endpoint (repeatable).",
        HelpName = "IP:PORT"
    };

    public static CommandSpec Create() =>
        new("iroh", "Serve and examine iroh: relays, keys, tickets, connections.")
        {
            Subcommands =
            {
                new CommandSpec("key", "Print the id of a secret key, or of a new one.", RunKey)
                {
                    Options = { IrohTestCommand.Secret, IrohTestCommand.KeyFile },
                    Notes = "Prints the endpoint's id, its ticket without addresses, and the signature of 'abc'. The "
                        + "secret key is never printed; a new key is gone afterwards unless --key-file keeps it.",
                    Examples = ["iroh key", "iroh key --key-file endpoint.key --json"],
                },
                new CommandSpec("ticket", "Take a ticket apart, or make one.", RunTicket)
                {
                    Arguments = { Ticket },
                    Options = { Id, Relay, Addr },
                    Examples =
                    [
                        "iroh ticket endpointaab2cb576phbbpq5odorrz2lycmwpzgwgcn2kdk7dxoimzaskuy3qaa",
                        "iroh ticket --id 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8 "
                            + "--addr 192.168.1.2:7777",
                    ],
                },
                new CommandSpec("id", "Print the id of the endpoint whose key a file holds.", RunId)
                {
                    Arguments = { KeyArgument },
                    Notes = "Creates the key, readable for its owner alone, when there is none.",
                    Examples = ["iroh id endpoint.key", "iroh id endpoint.key --json"],
                },
                ConnectivityCommands.Ping(),
                ConnectivityCommands.Check(),
                RelayCommand.Create(),
                IrohTestCommand.Create(),
            },
        };

    private static ExitCode RunKey(CommandContext context)
    {
        var line = TestKeys.Describe(context.Get(IrohTestCommand.Secret), context.Get(IrohTestCommand.KeyFile));
        context.Output.Write(new IrohTestReport(line));
        return ExitCode.Ok;
    }

    private static ExitCode RunId(CommandContext context)
    {
        context.Output.Write(new IrohIdReport(TestKeys.Describe(null, context.Require(KeyArgument)).Id!));
        return ExitCode.Ok;
    }

    private static ExitCode RunTicket(CommandContext context)
    {
        var line = TestKeys.DescribeTicket(
            context.Get(Ticket), context.Get(Id), context.Get(Relay) ?? [], context.Get(Addr) ?? []);
        context.Output.Write(new IrohTestReport(line));
        return ExitCode.Ok;
    }
}

internal sealed record IrohIdReport(string Id) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Id);
}

/// <summary>A line of <c>iroh</c>: one JSON object, or <c>event name=value …</c>.</summary>
internal sealed record IrohTestReport : IrohTestLine, IReport
{
    public IrohTestReport(IrohTestLine line) : base(line)
    {
    }

    public void Print(TextWriter output)
    {
        output.Write(Event);
        foreach (var (name, value) in Fields())
            if (value is not null) output.Write($" {name}={value}");
        output.WriteLine();
    }

    private IEnumerable<(string Name, object? Value)> Fields() =>
    [
        ("verb", Verb), ("ok", Ok), ("conn", Conn), ("id", Id), ("ticket", Ticket), ("relay", Relay),
        ("direct", List(Direct)), ("bound", List(Bound)), ("alpns", List(Alpns)), ("kind", Kind), ("addr", Addr),
        ("me", Me), ("peer", Peer), ("alpn", Alpn), ("connect_ms", ConnectMs), ("max_datagram", MaxDatagram),
        ("reason", Reason), ("code", Code), ("error", Error), ("alert", Alert), ("count", Count), ("failed", Failed),
        ("received", Received), ("wrong", Wrong), ("size", Size), ("ms", Ms), ("p50_ms", P50Ms), ("p99_ms", P99Ms),
        ("bytes", Bytes), ("mib_s", MibS), ("reset_code", ResetCode), ("stop_code", StopCode), ("sig_abc", SigAbc),
        ("errors", List(Errors)), ("route", Route), ("rtt_ms", RttMs), ("observed", List(Observed)),
        ("observed_by", ObservedBy is { } by ? $"{by.Relay}({by.Protocol}, UDP port {by.Port})" : null), ("nat", Nat),
        ("port_mapping", PortMapping is { } port
            ? port.External is null ? $"none({port.Refusal})" : $"{port.External}({port.Protocol}, {port.LifetimeS} s)"
            : null),
        ("relays", List(Relays?.Select(r => $"{r.Url}({(r.RttMs is { } rtt ? $"{rtt} ms" : "no answer")})"))),
        ("paths", List(Paths?.Select(p =>
            $"{p.Addr}({(p.Relay ? "relay" : "direct")}, {p.RttMs} ms, mtu {p.Mtu}, lost {p.Lost})"))),
    ];

    private static string? List(IEnumerable<string>? items) =>
        items is null || !items.Any() ? null : string.Join(',', items);
}
