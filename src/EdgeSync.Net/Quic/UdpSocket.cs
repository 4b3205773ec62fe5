using System.Net;
using System.Net.Sockets;
using EdgeSync.Quic;

namespace EdgeSync.Net.Quic;

/// <summary>
/// A UDP socket of one family with its receiving thread, which waits in the system call: no timer, no pool, no
/// allocation.
/// </summary>
internal abstract class UdpSocket : IDatagramCarrier
{
    /// <summary>Bytes that the kernel may buffer in each direction; its own limits may be lower.</summary>
    protected const int KernelBufferBytes = 4 << 20;

    private readonly ReceivedBatch _batch = new();
    private Thread? _thread;
    private volatile bool _isStopping;

    /// <exception cref="SocketException">The address cannot be bound.</exception>
    protected UdpSocket(IPEndPoint address)
    {
        Socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = KernelBufferBytes,
            SendBufferSize = KernelBufferBytes,
        };
        try
        {
            // Each family has a socket of its own; so an IPv6 one does not take the port of IPv4.
            if (address.AddressFamily == AddressFamily.InterNetworkV6) Socket.DualMode = false;
            Socket.Bind(address);
        }
        catch
        {
            Socket.Dispose();
            throw;
        }

        EndPoint = (IPEndPoint)Socket.LocalEndPoint!;
        Local = UdpAddress.From(EndPoint.Address, EndPoint.Port);
    }

    /// <summary>As bound, with its port.</summary>
    public IPEndPoint EndPoint { get; }

    public UdpAddress Local { get; }

    public abstract int SegmentsMax { get; }

    protected Socket Socket { get; }

    protected bool IsIpv6 => EndPoint.AddressFamily == AddressFamily.InterNetworkV6;

    protected bool IsStopping => _isStopping;

    /// <summary>A socket with all that the system offers.</summary>
    public static UdpSocket Bind(IPEndPoint address, QuicHostOptions options) =>
        LinuxUdpSocket.IsSupported && !options.IsPortable
            ? new LinuxUdpSocket(address, options.UsesOffload)
            : new PortableUdpSocket(address);

    public bool Reaches(UdpAddress remote) => !remote.IsRelayed && remote.IsIPv4 != IsIpv6;

    public abstract void Send(UdpAddress remote, EcnMark ecn, ReadOnlySpan<byte> datagrams, int segmentBytes);

    /// <summary>Begins to receive.</summary>
    public void Start(QuicHost host)
    {
        _thread = new Thread(() => Run(host)) { IsBackground = true, Name = $"udp {EndPoint}" };
        _thread.Start();
    }

    public void Dispose()
    {
        if (_isStopping) return;
        _isStopping = true;
        GC.SuppressFinalize(this);
        Unblock();
        if (_thread != Thread.CurrentThread) _thread?.Join();
        Socket.Dispose();
    }

    /// <summary>Waits for datagrams and takes what is there; may come back with none.</summary>
    protected abstract void Receive(ReceivedBatch batch);

    /// <summary>Lets <see cref="Receive"/> return.</summary>
    protected abstract void Unblock();

    private void Run(QuicHost host)
    {
        while (!_isStopping)
        {
            _batch.Clear();
            Receive(_batch);
            if (_batch.Count > 0 && !_isStopping) host.Receive(Local, _batch);
        }
    }
}
