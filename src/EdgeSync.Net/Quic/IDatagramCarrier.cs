using EdgeSync.Quic;

namespace EdgeSync.Net.Quic;

/// <summary>
/// Carries the datagrams of a <see cref="QuicHost"/> in one way: a UDP socket, or something that looks like one. The
/// host calls it under its lock; what arrives goes to
/// <see cref="QuicHost.Receive(FourTuple, EcnMark, Span{byte}, int)"/>.
/// </summary>
public interface IDatagramCarrier : IDisposable
{
    /// <summary>The local half of the 4-tuples that this carrier serves.</summary>
    UdpAddress Local { get; }

    /// <summary>Datagrams that one call of <see cref="Send"/> takes; 1 where nothing is saved by more.</summary>
    int SegmentsMax { get; }

    /// <summary>Whether a remote address can be reached this way.</summary>
    bool Reaches(UdpAddress remote);

    /// <summary>Sends datagrams that stand one behind the other. What cannot be sent is lost.</summary>
    /// <param name="datagrams">All of <paramref name="segmentBytes"/>, but for the last, which may be smaller.</param>
    void Send(UdpAddress remote, EcnMark ecn, ReadOnlySpan<byte> datagrams, int segmentBytes);
}
