using System.Security.Cryptography;
using EdgeSync.Quic.Protection;

namespace EdgeSync.Quic.Tls;

/// <summary>Secrets of both directions at one level.</summary>
internal sealed record TrafficSecrets(CipherSuite Suite, byte[] Client, byte[] Server)
{
    public void Clear()
    {
        CryptographicOperations.ZeroMemory(Client);
        CryptographicOperations.ZeroMemory(Server);
    }
}

/// <summary>
/// The hash over all handshake messages. Messages are kept until the suite, and with it the hash, is known. Spec: RFC
/// 8446 §4.4.1.
/// </summary>
internal sealed class Transcript : IDisposable
{
    private readonly List<byte> _early = [];
    private IncrementalHash? _hash;

    public void Add(ReadOnlySpan<byte> message)
    {
        if (_hash is null) _early.AddRange(message);
        else _hash.AppendData(message);
    }

    /// <summary>Chooses the hash; later calls change nothing.</summary>
    public void Start(CipherSuite suite)
    {
        if (_hash is not null) return;
        _hash = IncrementalHash.CreateHash(suite.Hash);
        _hash.AppendData([.. _early]);
        _early.Clear();
    }

    /// <summary>
    /// Puts a hash in the place of the first ClientHello, which is all there is: a HelloRetryRequest follows.
    /// </summary>
    public void ReplaceFirstHello(CipherSuite suite)
    {
        var hash = new byte[suite.HashBytes];
        CryptographicOperations.HashData(suite.Hash, [.. _early], hash);
        _early.Clear();
        _early.AddRange([(byte)HandshakeType.MessageHash, 0, 0, (byte)suite.HashBytes, .. hash]);
    }

    /// <summary>The hash of what was added so far.</summary>
    public byte[] Current() => _hash!.GetCurrentHash();

    public void Dispose() => _hash?.Dispose();
}

/// <summary>Derives the secrets of a handshake without resumption. Spec: RFC 8446 §7.1.</summary>
internal sealed class KeySchedule : IDisposable
{
    private readonly CipherSuite _suite;
    private readonly byte[] _secret;
    private byte[] _exporter = [];

    /// <param name="shared">The secret of the key exchange.</param>
    public KeySchedule(CipherSuite suite, ReadOnlySpan<byte> shared)
    {
        _suite = suite;
        var zeros = new byte[suite.HashBytes];
        var early = new byte[suite.HashBytes];
        HKDF.Extract(suite.Hash, zeros, [], early);
        _secret = new byte[suite.HashBytes];
        HKDF.Extract(suite.Hash, shared, Derive(early, "derived"u8, EmptyHash()), _secret);
    }

    /// <summary>From the transcript up to ServerHello.</summary>
    public TrafficSecrets HandshakeSecrets(ReadOnlySpan<byte> transcript) =>
        new(_suite, Derive(_secret, "c hs traffic"u8, transcript), Derive(_secret, "s hs traffic"u8, transcript));

    /// <summary>From the transcript up to the server's Finished. The handshake secret is gone afterwards.</summary>
    public TrafficSecrets ApplicationSecrets(ReadOnlySpan<byte> transcript)
    {
        var zeros = new byte[_suite.HashBytes];
        var salt = Derive(_secret, "derived"u8, EmptyHash());
        HKDF.Extract(_suite.Hash, zeros, salt, _secret);
        CryptographicOperations.ZeroMemory(salt);
        _exporter = Derive(_secret, "exp master"u8, transcript);
        return new TrafficSecrets(
            _suite, Derive(_secret, "c ap traffic"u8, transcript), Derive(_secret, "s ap traffic"u8, transcript));
    }

    /// <summary>verify_data of Finished (RFC 8446 §4.4.4).</summary>
    public byte[] FinishedOf(ReadOnlySpan<byte> trafficSecret, ReadOnlySpan<byte> transcript)
    {
        var key = Derive(trafficSecret, "finished"u8, []);
        var mac = new byte[_suite.HashBytes];
        CryptographicOperations.HmacData(_suite.Hash, key, transcript, mac);
        CryptographicOperations.ZeroMemory(key);
        return mac;
    }

    /// <summary>Keying material for an application (RFC 8446 §7.5).</summary>
    public void Export(ReadOnlySpan<byte> label, ReadOnlySpan<byte> context, Span<byte> output)
    {
        var secret = Derive(_exporter, label, EmptyHash());
        var hash = new byte[_suite.HashBytes];
        CryptographicOperations.HashData(_suite.Hash, context, hash);
        Labels.Expand(_suite.Hash, secret, "exporter"u8, hash, output);
        CryptographicOperations.ZeroMemory(secret);
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_secret);
        CryptographicOperations.ZeroMemory(_exporter);
    }

    private byte[] EmptyHash()
    {
        var hash = new byte[_suite.HashBytes];
        CryptographicOperations.HashData(_suite.Hash, [], hash);
        return hash;
    }

    private byte[] Derive(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> label, ReadOnlySpan<byte> context)
    {
        var output = new byte[_suite.HashBytes];
        Labels.Expand(_suite.Hash, secret, label, context, output);
        return output;
    }
}
