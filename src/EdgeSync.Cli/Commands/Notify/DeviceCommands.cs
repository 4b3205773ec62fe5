using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Notify;

/// <summary><c>notify pair</c>, <c>unpair</c> and <c>devices</c>.</summary>
internal static class DeviceCommands
{
    private static readonly Argument<string?> Token = new("TOKEN")
    {
        Description = "What 'notify pair --name' printed on another device: registers this one.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> Name = new("--name")
    {
        Description = "Name of the device to pair: prints a token for it.",
        HelpName = "NAME"
    };

    private static readonly Option<string?> Endpoint = new("--endpoint")
    {
        Description = "Iroh endpoint id of this device. [EDGESYNC_IROH_ENDPOINT]",
        HelpName = "ID"
    };

    private static readonly Option<string?> Nats = new("--nats")
    {
        Description = "NATS address for the pair URL. [EDGESYNC_NATS]",
        HelpName = "URL"
    };

    private static readonly Argument<string> Device = new("NAME") { Description = "Name of the device." };

    public static CommandSpec Pair() => new("pair", "Make a one-time token for a device, or use one.", RunPair)
    {
        Arguments = { Token },
        Options = { Name, Endpoint, Nats },
        Notes = "A token is accepted once, for ten minutes, in any case, with or without dashes; letters and digits "
            + "that look alike stand for each other. The other device needs a copy of the repository of messages, "
            + "which 'edgesync pair' gives it. With both addresses a QR code for phones is drawn too.",
        Examples = ["notify pair --name port-laptop", "notify pair AXKF-9M2P-VR3T"],
    };

    public static CommandSpec Unpair() => new("unpair", "Remove a device from the registry.", RunUnpair)
    {
        Arguments = { Device },
        Notes = "It keeps its copy of the messages: 'edgesync peers forget NAME' ends its access.",
        Examples = ["notify unpair port-laptop"],
    };

    public static CommandSpec Devices() => new("devices", "List paired devices, and those that were heard of.", RunList)
    {
        Examples = ["notify devices", "notify devices --json"],
    };

    private static ExitCode RunPair(CommandContext context)
    {
        if (context.Get(Token) is { } token)
        {
            using var own = NotifyOptions.Open(context);
            var accepted = new NotifyRepository(own).AcceptPairing(
                token, Address(context, Endpoint, "EDGESYNC_IROH_ENDPOINT"));
            NotifyOptions.Announce(own);
            context.Output.Write(new NotifyPairedReport("paired", accepted));
            return ExitCode.Ok;
        }

        if (context.Get(Name) is not { } name)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a device needs a name, or its token", "edgesync notify pair --name NAME");

        using var repository = NotifyOptions.Open(context);
        var notify = new NotifyRepository(repository);
        var (text, expires) = notify.OfferPairing(name);
        NotifyOptions.Announce(repository);
        var (endpoint, nats) = (
            Address(context, Endpoint, "EDGESYNC_IROH_ENDPOINT"), Address(context, Nats, "EDGESYNC_NATS"));
        var url = endpoint.Length > 0 && nats.Length > 0 ? NotifyTrace.PairUrlOf(endpoint, nats, text) : null;
        if (!context.Output.IsJson)
        {
            context.Output.Errors.WriteLine(
                $"for {DisplayText.Name(name)}, once, until {DisplayText.Minute(expires.ToString())} UTC");
            if (url is not null)
            {
                context.Output.Drawing.Write(QrText.Draw(url, isMedium: true));
                context.Output.Errors.WriteLine($"pair-url: {url}");
            }
        }

        context.Output.Write(new NotifyTokenReport("waiting", text, expires.ToString(), name, url));
        return ExitCode.Ok;
    }

    private static ExitCode RunUnpair(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        var name = context.Require(Device);
        new NotifyRepository(repository).Unpair(name);
        NotifyOptions.Announce(repository);
        context.Output.Write(new NotifyPairedReport("unpaired", name));
        return ExitCode.Ok;
    }

    private static ExitCode RunList(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        context.Output.Write(new NotifyDevicesReport(new NotifyRepository(repository).Devices()));
        return ExitCode.Ok;
    }

    private static string Address(CommandContext context, Option<string?> option, string variable) =>
        context.Get(option) ?? Environment.GetEnvironmentVariable(variable) ?? "";
}

/// <param name="Status"><c>waiting</c>: for the device.</param>
internal sealed record NotifyTokenReport(
    string Status, string Token, string ExpiresAt, string Device, string? PairUrl) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Token);
}

/// <param name="Status"><c>paired</c> or <c>unpaired</c>.</param>
internal sealed record NotifyPairedReport(string Status, string Device) : IReport
{
    public void Print(TextWriter output) => output.WriteLine($"{Status} {DisplayText.Name(Device)}");
}

internal sealed record NotifyDevicesReport(IReadOnlyList<NotifyDeviceItem> Devices) : IReport
{
    public void Print(TextWriter output)
    {
        if (Devices.Count == 0) output.WriteLine("no paired devices");
        foreach (var device in Devices) DeviceText.Line(output, "", device);
    }
}

/// <summary>Devices as text.</summary>
internal static class DeviceText
{
    public static void Line(TextWriter output, string indent, NotifyDeviceItem device)
    {
        var seen = device.State is null ? "" : $"  {device.State}:{device.LastSeen}";
        output.WriteLine(
            $"{indent}{DisplayText.Name(device.Name)}  endpoint:{DisplayText.Name(device.Endpoint)}  "
            + $"paired:{device.PairedAt ?? "no"}{seen}");
    }
}
