using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Storage;

namespace EdgeSync.Node.Iroh.Diagnostics;

/// <summary>Keys, ids and tickets of the command line.</summary>
public static class TestKeys
{
    /// <summary>The key that was given, that of a file, or a new one.</summary>
    /// <exception cref="EdgeSyncException">There are two, or the text is not a key.</exception>
    internal static SecretKey KeyOf(string? secret, string? file)
    {
        if (secret is not null && file is not null)
            throw new EdgeSyncException(ErrorKind.Usage, "--secret and --key-file are two keys");
        if (file is not null) return EndpointKeyFile.Ensure(file);
        if (secret is null) return SecretKey.Generate(SystemEntropy.Instance);
        return SecretKey.TryParse(secret, out var key)
            ? key
            : throw new EdgeSyncException(ErrorKind.Usage, "a secret key has 64 hex digits");
    }

    /// <exception cref="EdgeSyncException">It is not an id.</exception>
    internal static EndpointId IdOf(string text) => EndpointId.TryParse(text, out var id)
        ? id
        : throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is not the id of an endpoint");

    /// <summary>The public part of a key.</summary>
    public static IrohTestLine Describe(string? secret, string? file)
    {
        using var key = KeyOf(secret, file);
        return new IrohTestLine
        {
            Event = "result",
            Verb = "key",
            Ok = true,
            Id = key.Id.ToString(),
            Ticket = EndpointTicket.Format(new EndpointAddress(key.Id)),
            SigAbc = Convert.ToHexStringLower(key.Key.Sign("abc"u8)),
        };
    }

    /// <summary>The parts of a ticket, or a ticket of parts.</summary>
    public static IrohTestLine DescribeTicket(
        string? ticket, string? id, IReadOnlyList<string> relays, IReadOnlyList<string> addresses)
    {
        ArgumentNullException.ThrowIfNull(relays);
        ArgumentNullException.ThrowIfNull(addresses);
        var isMade = id is not null || relays.Count > 0 || addresses.Count > 0;
        if (ticket is null != isMade || (isMade && id is null))
            throw new EdgeSyncException(ErrorKind.Usage, "give a ticket, or --id with --relay and --addr");
        var address = ticket is not null
            ? EndpointTicket.Parse(ticket)
            : new EndpointAddress(IdOf(id!), relays.Select(RelayOf), addresses.Select(AddressOf));
        return new IrohTestLine
        {
            Event = "result",
            Verb = "ticket",
            Ok = true,
            Id = address.Id.ToString(),
            Ticket = EndpointTicket.Format(address),
            Relay = address.Relays.Count > 0 ? address.Relays[0].Text : null,
            Direct = [.. address.Direct.Select(d => d.ToString())],
        };
    }

    /// <exception cref="EdgeSyncException">It is none.</exception>
    internal static RelayUrl RelayOf(string text) => RelayUrl.TryParse(text, out var url)
        ? url
        : throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is not the address of a relay");

    private static UdpAddress AddressOf(string text) => IPEndPoint.TryParse(text, out var address)
        ? UdpAddress.From(address.Address, address.Port)
        : throw new EdgeSyncException(ErrorKind.Usage, $"'{text}' is not an address with a port");
}
