using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Quic.Packets;
using EdgeSync.Quic.Tls;

namespace EdgeSync.UnitTests.Quic.Tls;

/// <summary>A client and a server joined without packets; messages can be changed on their way.</summary>
internal sealed class TlsPair : IDisposable
{
    public static readonly byte[] Echo = "test/echo/1"u8.ToArray();
    public static readonly Ed25519Key ServerKey = new(Seed(1));
    public static readonly Ed25519Key ClientKey = new(Seed(9));

    public TlsPair(TlsOptions? client = null, TlsOptions? server = null, ulong seed = 1)
    {
        Client = new TlsClient(client ?? ClientOptions(), new SeededEntropy(seed));
        Server = new TlsServer(server ?? ServerOptions(), new SeededEntropy(seed + 1));
    }

    public TlsClient Client { get; }

    public TlsServer Server { get; }

    public static byte[] Seed(byte value)
    {
        var seed = new byte[32];
        seed.AsSpan().Fill(value);
        return seed;
    }

    public static TlsOptions ClientOptions() => new(
        ClientKey, [Echo], new TransportParameters { InitialSourceId = new ConnectionId([1]) })
    {
        ExpectedPeer = ServerKey.PublicKey.ToArray(),
    };

    public static TlsOptions ServerOptions() => new(
        ServerKey, [Echo], new TransportParameters { InitialSourceId = new ConnectionId([2]) });

    /// <summary>Moves messages until nothing moves; the first error ends it.</summary>
    /// <param name="change">What becomes of a message on its way; from the server when the flag is set.</param>
    /// <param name="piece">Bytes that are handed over at a time.</param>
    public (QuicError? OfClient, QuicError? OfServer) Run(
        Func<bool, byte[], byte[]>? change = null, int piece = int.MaxValue)
    {
        change ??= (_, message) => message;
        for (var moved = true; moved;)
        {
            moved = false;
            foreach (var level in new[] { EncryptionLevel.Initial, EncryptionLevel.Handshake })
            {
                if (Move(Client, Server, level, m => change(false, m), piece, ref moved) is { } ofServer)
                    return (null, ofServer);
                if (Move(Server, Client, level, m => change(true, m), piece, ref moved) is { } ofClient)
                    return (ofClient, null);
            }
        }

        return (null, null);
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }

    /// <summary>Whole handshake messages of a run of CRYPTO bytes.</summary>
    public static List<byte[]> Split(byte[] bytes)
    {
        var messages = new List<byte[]>();
        for (var at = 0; at < bytes.Length;)
        {
            var size = 4 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
            messages.Add(bytes[at..(at + size)]);
            at += size;
        }

        return messages;
    }

    private static QuicError? Move(
        TlsSession from, TlsSession to, EncryptionLevel level, Func<byte[], byte[]> change, int piece, ref bool moved)
    {
        var output = from.TakeOutput(level);
        if (output.Length == 0) return null;
        moved = true;
        byte[] bytes = [.. Split(output).SelectMany(change)];
        for (var at = 0; at < bytes.Length; at += Math.Min(piece, bytes.Length - at))
            if (to.Receive(level, bytes.AsSpan(at, Math.Min(piece, bytes.Length - at))) is { } error) return error;
        return null;
    }
}
