using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.InteropTests.Support;

/// <summary>
/// A sync request written by hand, card by card, and independent of our own card writer: what it says wrongly, it says
/// so on purpose.
/// </summary>
internal sealed class XferMessage
{
    public const string ContentType = "application/x-fossil";
    public const string PlainContentType = "application/x-fossil-uncompressed";

    private readonly ArrayBufferWriter<byte> _cards = new();

    public static XferMessage Pragma() => new XferMessage().Card("pragma client-version 22100 20230226 192424");

    public static string HashOf(ReadOnlySpan<byte> content) => ArtifactHash.Compute(HashKind.Sha3, content).ToString();

    public XferMessage Card(string line) => Raw(line + "\n");

    public XferMessage Raw(string text) => Raw(Encoding.Latin1.GetBytes(text));

    public XferMessage Raw(ReadOnlySpan<byte> bytes)
    {
        _cards.Write(bytes);
        return this;
    }

    public XferMessage File(byte[] content) =>
        Card(string.Create(CultureInfo.InvariantCulture, $"file {HashOf(content)} {content.Length}")).Raw(content);

    public byte[] Bytes() =>
        [.. _cards.WrittenSpan, .. Encoding.ASCII.GetBytes($"# {RandomNumberGenerator.GetHexString(40)}\n")];

    /// <summary>The cards with a login card before them, made for exactly these bytes.</summary>
    public byte[] BytesAs(string login, string password, string projectCode)
    {
        var body = Bytes();
        return [.. LoginLine(login, password, projectCode, body), .. body];
    }

    public static byte[] LoginLine(string login, string password, string projectCode, ReadOnlySpan<byte> body)
    {
        var secret = Sha1(Encoding.UTF8.GetBytes($"{projectCode}/{login}/{password}"));
        var nonce = Sha1(body);
        return Encoding.ASCII.GetBytes($"login {login} {nonce} {Sha1(Encoding.ASCII.GetBytes(nonce + secret))}\n");
    }

    /// <summary>As <c>application/x-fossil</c> wants it: size, then zlib.</summary>
    public static byte[] Compress(ReadOnlySpan<byte> plain, int? claimedSize = null)
    {
        using var target = new MemoryStream();
        var prefix = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(prefix, claimedSize ?? plain.Length);
        target.Write(prefix);
        using (var zlib = new ZLibStream(target, CompressionLevel.Optimal, leaveOpen: true)) zlib.Write(plain);
        return target.ToArray();
    }

    public static byte[] Expand(ReadOnlySpan<byte> body)
    {
        using var zlib = new ZLibStream(new MemoryStream(body[4..].ToArray()), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        zlib.CopyTo(plain);
        return plain.ToArray();
    }

    private static string Sha1(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA1.HashData(bytes));
}
