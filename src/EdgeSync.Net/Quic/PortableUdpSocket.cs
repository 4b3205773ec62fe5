using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using EdgeSync.Quic;

namespace EdgeSync.Net.Quic;

/// <summary>A socket by the base library alone: one datagram a call, no ECN marks.</summary>
internal sealed class PortableUdpSocket : UdpSocket
{
    private const int AddressesMax = 1024;
    private const int PortAt = 2;
    private const int Ipv4At = 4;
    private const int Ipv6At = 8;

    private readonly SocketAddress _from;
    private readonly Dictionary<UdpAddress, SocketAddress> _addresses = [];

    public PortableUdpSocket(IPEndPoint address) : base(address) => _from = new SocketAddress(address.AddressFamily);

    public override int SegmentsMax => 1;

    public override void Send(UdpAddress remote, EcnMark ecn, ReadOnlySpan<byte> datagrams, int segmentBytes)
    {
        for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentBytes, datagrams.Length)..])
        {
            try
            {
                Socket.SendTo(
                    datagrams[..Math.Min(segmentBytes, datagrams.Length)], SocketFlags.None, AddressOf(remote));
            }
            catch (SocketException)
            {
                // As if it was lost on the way: no route, a full queue, or too large for the link.
            }
        }
    }

    protected override void Receive(ReceivedBatch batch)
    {
        try
        {
            do
            {
                var count = Socket.ReceiveFrom(batch.Free, SocketFlags.None, _from);
                batch.Add(count, 0, Read(_from), EcnMark.NotEct);
            }
            while (batch.HasRoom && Socket.Available > 0);
        }
        catch (SocketException)
        {
            // An earlier datagram did not arrive (Windows reports it here), or the socket is closed.
        }
        catch (ObjectDisposedException)
        {
        }
    }

    protected override void Unblock() => Socket.Dispose();

    private SocketAddress AddressOf(UdpAddress remote)
    {
        if (_addresses.TryGetValue(remote, out var known)) return known;
        if (_addresses.Count >= AddressesMax) _addresses.Clear();
        return _addresses[remote] = new IPEndPoint(remote.ToAddress(), remote.Port).Serialize();
    }

    /// <summary>Without an object for each address; port and address stand alike on all systems.</summary>
    private static UdpAddress Read(SocketAddress from)
    {
        var bytes = from.Buffer.Span;
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[PortAt..]);
        return from.Family == AddressFamily.InterNetwork
            ? Ipv4.From(BinaryPrimitives.ReadUInt32BigEndian(bytes[Ipv4At..]), port)
            : new UdpAddress(BinaryPrimitives.ReadUInt128BigEndian(bytes[Ipv6At..]), port);
    }
}
