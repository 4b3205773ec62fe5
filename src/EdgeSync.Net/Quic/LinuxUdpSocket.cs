using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using EdgeSync.Quic;

namespace EdgeSync.Net.Quic;

/// <summary>
/// A socket by <c>sendmsg</c> and <c>recvmsg</c>: the kernel splits one large buffer into datagrams (UDP_SEGMENT) and
/// joins those that arrive together (UDP_GRO), and shows and sets the ECN bits. Spec: udp(7), ip(7), ipv6(7), cmsg(3);
/// the layouts are those of the 64-bit kernel.
/// </summary>
internal sealed unsafe partial class LinuxUdpSocket : UdpSocket
{
    /// <summary>UDP_MAX_SEGMENTS of older kernels.</summary>
    private const int OffloadSegments = 64;

    private const int ProtocolIp = 0;
    private const int ProtocolIpv6 = 41;
    private const int ProtocolUdp = 17;
    private const int SocketLevel = 1;
    private const int ReceiveBufferForce = 33;
    private const int SendBufferForce = 32;
    private const int IpTos = 1;
    private const int IpMtuDiscover = 10;
    private const int IpReceiveTos = 13;
    private const int Ipv6MtuDiscover = 23;
    private const int Ipv6ReceiveClass = 66;
    private const int Ipv6Class = 67;
    private const int UdpSegment = 103;
    private const int UdpGro = 104;

    /// <summary>Datagrams are not fragmented, and the kernel's path MTU limits no probe.</summary>
    private const int MtuProbe = 3;

    private const int MessageDontWait = 0x40;
    private const int ShutdownBoth = 2;
    private const int ErrorIo = 5;
    private const int ErrorInvalid = 22;
    private const int FamilyIpv4 = 2;
    private const int FamilyIpv6 = 10;
    private const int EcnBits = 3;
    private const int ControlBytes = 128;
    private const int AddressBytes = 28;

    /// <summary>Bytes of a control message with one number, aligned.</summary>
    private const int ControlMessageBytes = 24;

    private const int ControlHeaderBytes = 16;

    private readonly SafeSocketHandle _handle;
    private bool _splits;

    public LinuxUdpSocket(IPEndPoint address, bool usesOffload) : base(address)
    {
        _handle = Socket.SafeHandle;
        // More than the system's limit for all, where this process may have it.
        Set(SocketLevel, ReceiveBufferForce, KernelBufferBytes);
        Set(SocketLevel, SendBufferForce, KernelBufferBytes);
        Set(IsIpv6 ? ProtocolIpv6 : ProtocolIp, IsIpv6 ? Ipv6MtuDiscover : IpMtuDiscover, MtuProbe);
        Set(IsIpv6 ? ProtocolIpv6 : ProtocolIp, IsIpv6 ? Ipv6ReceiveClass : IpReceiveTos, 1);
        if (!usesOffload) return;
        _splits = Set(ProtocolUdp, UdpSegment, 0);
        Set(ProtocolUdp, UdpGro, 1);
    }

    public static bool IsSupported { get; } = OperatingSystem.IsLinux() && sizeof(nint) == 8;

    public override int SegmentsMax => _splits ? OffloadSegments : 1;

    public override void Send(UdpAddress remote, EcnMark ecn, ReadOnlySpan<byte> datagrams, int segmentBytes)
    {
        if (datagrams.Length <= segmentBytes)
        {
            TrySend(remote, ecn, datagrams, 0);
            return;
        }

        if (_splits)
        {
            var error = TrySend(remote, ecn, datagrams, segmentBytes);
            if (error is not (ErrorIo or ErrorInvalid)) return;
            // The device cannot, or the datagrams are larger than its MTU: one by one they may pass.
            _splits = error != ErrorIo;
        }

        for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentBytes, datagrams.Length)..])
            TrySend(remote, ecn, datagrams[..Math.Min(segmentBytes, datagrams.Length)], 0);
    }

    protected override void Receive(ReceivedBatch batch)
    {
        var control = stackalloc byte[ControlBytes];
        var address = stackalloc byte[AddressBytes];
        var flags = 0;
        while (batch.HasRoom)
        {
            nint count;
            MessageHeader message;
            fixed (byte* bytes = batch.Free)
            {
                var vector = new IoVector { Base = bytes, Length = ReceivedBatch.CallBytes };
                message = new MessageHeader
                {
                    Name = address,
                    NameLength = AddressBytes,
                    Vectors = &vector,
                    VectorCount = 1,
                    Control = control,
                    ControlLength = ControlBytes,
                };
                count = ReceiveMessage(_handle, &message, flags);
            }

            // Nothing more, an error of a datagram that was sent before, or the end.
            if (count < 0 || IsStopping) return;
            var (segment, ecn) = ReadControl(control, (int)message.ControlLength);
            batch.Add((int)count, segment, ReadAddress(address), ecn);
            flags = MessageDontWait;
        }
    }

    /// <summary>
    /// The kernel reports that an unconnected socket cannot be shut down, and wakes its readers all the same.
    /// </summary>
    protected override void Unblock() => Shutdown(_handle, ShutdownBoth);

    private int TrySend(UdpAddress remote, EcnMark ecn, ReadOnlySpan<byte> bytes, int segmentBytes)
    {
        var control = stackalloc byte[2 * ControlMessageBytes];
        var address = stackalloc byte[AddressBytes];
        fixed (byte* start = bytes)
        {
            var vector = new IoVector { Base = start, Length = (nuint)bytes.Length };
            var message = new MessageHeader
            {
                Name = address,
                NameLength = WriteAddress(address, remote),
                Vectors = &vector,
                VectorCount = 1,
                Control = control,
                ControlLength = (nuint)WriteControl(control, ecn, segmentBytes),
            };
            if (message.ControlLength == 0) message.Control = null;
            return SendMessage(_handle, &message, 0) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
    }

    private int WriteControl(byte* control, EcnMark ecn, int segmentBytes)
    {
        var length = 0;
        if (ecn != EcnMark.NotEct)
        {
            WriteControl(control, IsIpv6 ? ProtocolIpv6 : ProtocolIp, IsIpv6 ? Ipv6Class : IpTos, sizeof(int));
            *(int*)(control + ControlHeaderBytes) = (int)ecn;
            length += ControlMessageBytes;
        }

        if (segmentBytes <= 0) return length;
        WriteControl(control + length, ProtocolUdp, UdpSegment, sizeof(ushort));
        *(ushort*)(control + length + ControlHeaderBytes) = (ushort)segmentBytes;
        return length + ControlMessageBytes;
    }

    private static void WriteControl(byte* at, int level, int type, int bytes)
    {
        *(nuint*)at = (nuint)(ControlHeaderBytes + bytes);
        *(int*)(at + 8) = level;
        *(int*)(at + 12) = type;
    }

    private static (int Segment, EcnMark Ecn) ReadControl(byte* control, int length)
    {
        var (segment, ecn) = (0, EcnMark.NotEct);
        for (var at = 0; at + ControlHeaderBytes < length;)
        {
            var bytes = (int)*(nuint*)(control + at);
            if (bytes < ControlHeaderBytes) break;
            var (level, type) = (*(int*)(control + at + 8), *(int*)(control + at + 12));
            var value = control + at + ControlHeaderBytes;
            // IPv4's is one byte, IPv6's and the segment's are numbers.
            if (level == ProtocolUdp && type == UdpGro) segment = *(int*)value;
            else if ((level == ProtocolIp && type == IpTos) || (level == ProtocolIpv6 && type == Ipv6Class))
                ecn = (EcnMark)(*value & EcnBits);
            at += (bytes + 7) & ~7;
        }

        return (segment, ecn);
    }

    private uint WriteAddress(byte* target, UdpAddress remote)
    {
        new Span<byte>(target, AddressBytes).Clear();
        *(ushort*)target = (ushort)(IsIpv6 ? FamilyIpv6 : FamilyIpv4);
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(target + 2, 2), remote.Port);
        if (IsIpv6)
        {
            BinaryPrimitives.WriteUInt128BigEndian(new Span<byte>(target + 8, 16), remote.Bits);
            return AddressBytes;
        }

        BinaryPrimitives.WriteUInt32BigEndian(new Span<byte>(target + 4, 4), (uint)remote.Bits);
        return 16;
    }

    private static UdpAddress ReadAddress(byte* source)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(source + 2, 2));
        return *(ushort*)source == FamilyIpv4
            ? Ipv4.From(BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(source + 4, 4)), port)
            : new UdpAddress(BinaryPrimitives.ReadUInt128BigEndian(new ReadOnlySpan<byte>(source + 8, 16)), port);
    }

    private bool Set(int level, int option, int value) => SetOption(_handle, level, option, &value, sizeof(int)) == 0;

    [StructLayout(LayoutKind.Sequential)]
    private struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(SafeSocketHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    private static partial nint ReceiveMessage(SafeSocketHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(SafeSocketHandle socket, int level, int option, void* value, uint bytes);

    [LibraryImport("libc", EntryPoint = "shutdown", SetLastError = true)]
    private static partial int Shutdown(SafeSocketHandle socket, int how);
}
