using EdgeSync.Quic.Frames;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Paths;

namespace EdgeSync.Quic.Connections;

/// <summary>
/// OBSERVED_ADDRESS frames of a connection, in both directions: each side can tell the other the address that its
/// datagrams come from, on the path that they come on. Without both transport parameters there are none. Spec:
/// draft-ietf-quic-address-discovery.
/// </summary>
internal sealed class AddressReports(QuicOptions options)
{
    private bool _reports;
    private ulong _next;

    /// <summary>Whether the peer may report: it said that it does, and it was asked to.</summary>
    public bool IsReported { get; private set; }

    /// <summary>The transport parameter; null: neither role.</summary>
    public static AddressDiscovery? RoleOf(QuicOptions options) =>
        (options.ReportsAddresses, options.AsksForAddress) switch
        {
            (true, true) => AddressDiscovery.Both,
            (true, false) => AddressDiscovery.Reports,
            (false, true) => AddressDiscovery.Receives,
            _ => null,
        };

    /// <summary>The peer's parameters are known.</summary>
    public void Start(TransportParameters peer)
    {
        _reports = options.ReportsAddresses
            && peer.AddressDiscovery is AddressDiscovery.Receives or AddressDiscovery.Both;
        IsReported = options.AsksForAddress
            && peer.AddressDiscovery is AddressDiscovery.Reports or AddressDiscovery.Both;
    }

    /// <summary>Whether the peer does not know yet from which address it is seen on a path.</summary>
    public bool Owes(QuicPath path) =>
        _reports && !path.IsAbandoned && !path.IsRelayed && path.Reported?.Address != path.Route.Tuple.Remote;

    /// <summary>Writes the report that is owed; false when there is none, or no room.</summary>
    public bool TryWriteFrame(ref WireWriter writer, QuicPath path, out SentFrame sent)
    {
        sent = default;
        if (!Owes(path) || writer.Remaining < FrameWriter.AddressMax) return false;
        var remote = path.Route.Tuple.Remote;
        FrameWriter.WriteAddress(ref writer, FrameType.ObservedAddressV4, _next, remote);
        path.Reported = (remote, _next);
        sent = new SentFrame(SentKind.ObservedAddress, _next++, path.Id);
        return true;
    }

    /// <summary>A report was lost: unless there is a newer one, the address of now is reported, as a new one.</summary>
    public static void OnLost(QuicPath? path, ulong sequence)
    {
        if (path?.Reported?.Sequence == sequence) path.Reported = null;
    }

    /// <summary>Takes a report; false when it is older than another one, or no address of a network.</summary>
    public static bool Take(QuicPath path, in Frame frame)
    {
        if (frame.Sequence <= path.ObservedSequence) return false;
        path.ObservedSequence = frame.Sequence;
        var address = frame.Address;
        if (!NatTraversal.IsCandidate(address) || address == path.ObservedAddress) return false;
        path.ObservedAddress = address;
        return true;
    }
}
