using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using EdgeSync.Iroh.Dns;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;
using EdgeSync.Quic.Tls;

namespace EdgeSync.Iroh.Discovery;

/// <summary>
/// What an endpoint publishes of itself, signed (pkarr).
/// <code>
/// id(32) signature(64) timestamp(u64, µs since 1970) dns(≤ 1000)
/// signed: "3:seqi" timestamp "e1:v" length(dns) ":" dns      numbers in decimal
/// dns:    a reply with only answers, TXT _iroh.&lt;z32 id>
/// </code>
/// Over HTTP and in a DHT the id is the key, and the body is the rest.
/// </summary>
public sealed class SignedPacket
{
    /// <summary>Bytes of a body at most.</summary>
    public const int BodyBytesMax = HeadBytes + DnsBytesMax;

    private const int DnsBytesMax = 1000;
    private const int HeadBytes = SignatureForm.SignatureBytes + sizeof(ulong);
    private const uint TtlSeconds = 30;
    private const string Prefix = "_iroh.";

    private readonly byte[] _body;

    private SignedPacket(EndpointId id, byte[] body) => (Id, _body) = (id, body);

    public EndpointId Id { get; }

    /// <summary>Microseconds since 1970, as the endpoint's clock had it; later packets replace earlier ones.</summary>
    public ulong Timestamp => BinaryPrimitives.ReadUInt64BigEndian(_body.AsSpan(SignatureForm.SignatureBytes));

    /// <summary>Signature, timestamp and DNS message.</summary>
    public ReadOnlyMemory<byte> Body => _body;

    /// <summary>The name of the records for an id: <c>_iroh.</c> and the id in z-base-32.</summary>
    public static string NameOf(EndpointId id) => Prefix + id.ToZ32();

    /// <summary>Signs what an endpoint publishes.</summary>
    /// <param name="key">Of the endpoint that <paramref name="info"/> is about.</param>
    /// <param name="timestamp">Microseconds since 1970, later than that of the packet before.</param>
    /// <param name="info">Addresses that do not fit are left out, the last ones first.</param>
    public static SignedPacket Sign(SecretKey key, ulong timestamp, EndpointInfo info)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(info);
        var texts = info.ToTexts();
        var dns = DnsOf(key.Id, texts);
        for (var count = texts.Count - 1; dns.Length > DnsBytesMax; count--) dns = DnsOf(key.Id, texts.Take(count));

        return Signed(key, timestamp, dns);
    }

    /// <summary>Signs one text of another protocol, under a label of its own.</summary>
    /// <param name="key">Whose id is the name of the record.</param>
    /// <param name="timestamp">Microseconds since 1970, later than that of the packet before.</param>
    /// <param name="label">The first label of the record's name, such as <c>_can_sync</c>.</param>
    /// <param name="text">Not more than 255 bytes.</param>
    /// <param name="ttlSeconds">How long others may keep it.</param>
    public static SignedPacket SignText(SecretKey key, ulong timestamp, string label, string text, uint ttlSeconds)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Signed(key, timestamp, DnsWriter.Write(new DnsMessage
        {
            Flags = DnsMessage.Response,
            Answers = [new DnsRecord($"{label}.{key.Id.ToZ32()}", DnsType.Txt, ttlSeconds) { Texts = [text] }],
        }));
    }

    /// <summary>False unless the body is signed by the id and holds a DNS message.</summary>
    public static bool TryRead(EndpointId id, ReadOnlySpan<byte> body, [NotNullWhen(true)] out SignedPacket? packet)
    {
        packet = null;
        if (body.Length is < HeadBytes or > BodyBytesMax || !DnsReader.TryRead(body[HeadBytes..], out _)) return false;

        var timestamp = BinaryPrimitives.ReadUInt64BigEndian(body[SignatureForm.SignatureBytes..]);
        if (!Ed25519Key.Verify(
            id.ToArray(), SignedText(timestamp, body[HeadBytes..]), body[..SignatureForm.SignatureBytes]))
            return false;

        packet = new SignedPacket(id, body.ToArray());
        return true;
    }

    /// <summary>The texts of the records for the id.</summary>
    public IReadOnlyList<string> Texts() => TextsOf(NameOf(Id));

    /// <summary>The texts under another label than that of iroh.</summary>
    public IReadOnlyList<string> Texts(string label) => TextsOf($"{label}.{Id.ToZ32()}");

    public EndpointInfo Info() => EndpointInfo.FromTexts(Id, Texts());

    private IReadOnlyList<string> TextsOf(string name)
    {
        DnsReader.TryRead(_body.AsSpan(HeadBytes), out var dns);
        return
        [
            .. dns!.Answers.Where(a => a.Type == DnsType.Txt && a.Name == name).Select(a => string.Concat(a.Texts)),
        ];
    }

    private static SignedPacket Signed(SecretKey key, ulong timestamp, byte[] dns)
    {
        var stamp = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(stamp, timestamp);
        return new SignedPacket(key.Id, [.. key.Sign(SignedText(timestamp, dns)), .. stamp, .. dns]);
    }

    private static byte[] DnsOf(EndpointId id, IEnumerable<string> texts)
    {
        var name = NameOf(id);
        return DnsWriter.Write(new DnsMessage
        {
            Flags = DnsMessage.Response,
            Answers = [.. texts.Select(t => new DnsRecord(name, DnsType.Txt, TtlSeconds) { Texts = [t] })],
        });
    }

    private static byte[] SignedText(ulong timestamp, ReadOnlySpan<byte> dns) =>
    [
        .. Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"3:seqi{timestamp}e1:v{dns.Length}:")),
        .. dns,
    ];
}
