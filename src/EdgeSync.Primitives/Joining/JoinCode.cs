using System.Buffers.Binary;
using System.Text;

namespace EdgeSync.Primitives;

/// <summary>Why a text is not a valid join code.</summary>
public enum JoinCodeFault
{
    None,

    /// <summary>It does not begin like one.</summary>
    NotACode,

    /// <summary>Characters are missing, added or changed.</summary>
    Damaged,

    /// <summary>It contains a required entry that this version does not support.</summary>
    Newer,
}

/// <summary>
/// What one machine needs to join another, in one line without a character that a shell treats specially:
/// <code>
/// "esj" base32(VERSION entry… checksum)      RFC 4648 alphabet in lower case, no padding; upper case is read too
/// VERSION   1
/// entry     TYPE LENGTH value                one byte each; LENGTH 0 to 255
/// checksum  the first 4 bytes of the SHA3-256 of everything before
///
/// TYPE  1  host: a name or an address, as text; may be repeated, the best first
///       2  port of HTTPS, big-endian
///       3  port of leafnodes, big-endian
///       4  project code, as text
///       5  one-time token: 16 bytes
///       6  end of validity: seconds since 1970, 8 bytes, big-endian
///       7  SHA-256 of the server's public key (SubjectPublicKeyInfo): 32 bytes
///       8  suggested name of the repository, as text
///     128  ticket of the node's iroh endpoint, as text; several are parts of one
/// </code>
/// A type below 128 that is unknown makes the code one of a newer version; types from 128 on may be skipped.
/// </summary>
/// <param name="Hosts">At least one.</param>
/// <param name="ServerKey">SHA-256 of the server's public key; a server with another key is rejected, whatever its
/// name.</param>
public sealed record JoinCode(
    IReadOnlyList<string> Hosts, int WebPort, int? LeafPort, string ProjectCode, byte[] Token, Instant ExpiresAt,
    byte[] ServerKey, string Name)
{
    public const int TokenBytes = 16;
    public const int KeyBytes = 32;

    /// <summary>Of the node's iroh endpoint; null without one.</summary>
    public string? Ticket { get; init; }

    private const string Prefix = "esj";
    private const byte Version = 1;
    private const int ChecksumBytes = 4;
    private const int TextLengthMax = 4096;
    private const int SkippableFrom = 128;
    private const long LastSecond = 253_402_300_799;   // of the year 9999

    private enum Entry : byte
    {
        Host = 1,
        WebPort = 2,
        LeafPort = 3,
        Project = 4,
        Token = 5,
        ExpiresAt = 6,
        ServerKey = 7,
        Name = 8,
        Ticket = 128,
    }

    public string Encode()
    {
        var bytes = new List<byte> { Version };
        foreach (var host in Hosts) Add(bytes, Entry.Host, Encoding.UTF8.GetBytes(host));
        Add(bytes, Entry.WebPort, [(byte)(WebPort >> 8), (byte)WebPort]);
        if (LeafPort is { } leaf) Add(bytes, Entry.LeafPort, [(byte)(leaf >> 8), (byte)leaf]);
        Add(bytes, Entry.Project, Encoding.UTF8.GetBytes(ProjectCode));
        Add(bytes, Entry.Token, Token);
        var expires = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(expires, ExpiresAt.UnixSeconds);
        Add(bytes, Entry.ExpiresAt, expires);
        Add(bytes, Entry.ServerKey, ServerKey);
        Add(bytes, Entry.Name, Encoding.UTF8.GetBytes(Name));
        foreach (var part in Encoding.UTF8.GetBytes(Ticket ?? "").Chunk(byte.MaxValue)) Add(bytes, Entry.Ticket, part);
        return EncodeBytes([.. bytes]);
    }

    /// <summary>Skips blanks and line ends, which mail programs add.</summary>
    public static JoinCodeFault TryParse(string text, out JoinCode? code)
    {
        code = null;
        if (text.Length > TextLengthMax) return JoinCodeFault.NotACode;

        var word = string.Concat(text.Where(c => !char.IsWhiteSpace(c))).ToLowerInvariant();
        if (!word.StartsWith(Prefix, StringComparison.Ordinal)) return JoinCodeFault.NotACode;
        if (!Base32Coding.Rfc4648.TryDecode(word.AsSpan(Prefix.Length), out var bytes) || bytes.Length <= ChecksumBytes)
            return JoinCodeFault.Damaged;

        var payload = bytes.AsSpan(0, bytes.Length - ChecksumBytes);
        return !Checksum(payload).AsSpan().SequenceEqual(bytes.AsSpan(payload.Length)) ? JoinCodeFault.Damaged
            : payload[0] != Version ? JoinCodeFault.Newer
            : ReadEntries(payload[1..], out code);
    }

    /// <summary>Encodes any payload, so that tests can make codes of later versions.</summary>
    internal static string EncodeBytes(byte[] payload) =>
        Prefix + Base32Coding.Rfc4648.Encode([.. payload, .. Checksum(payload)]);

    /// <summary>Safe to log: without the token.</summary>
    public override string ToString() => $"join code for {Name} at {string.Join(", ", Hosts)}";

    private static JoinCodeFault ReadEntries(ReadOnlySpan<byte> rest, out JoinCode? code)
    {
        code = null;
        var hosts = new List<string>();
        int? webPort = null, leafPort = null;
        string? project = null, name = null, ticket = null;
        byte[]? token = null, key = null;
        Instant? expires = null;
        while (rest.Length > 0)
        {
            if (rest.Length < 2 || rest.Length < 2 + rest[1]) return JoinCodeFault.Damaged;

            var type = rest[0];
            var value = rest.Slice(2, rest[1]);
            rest = rest[(2 + value.Length)..];
            switch ((Entry)type)
            {
                case Entry.Host when value.Length > 0: hosts.Add(Encoding.UTF8.GetString(value)); break;
                case Entry.WebPort when value.Length == 2: webPort = BinaryPrimitives.ReadUInt16BigEndian(value); break;
                case Entry.LeafPort when value.Length == 2:
                    leafPort = BinaryPrimitives.ReadUInt16BigEndian(value); break;
                case Entry.Project: project = Encoding.UTF8.GetString(value); break;
                case Entry.Token when value.Length == TokenBytes: token = value.ToArray(); break;
                case Entry.ExpiresAt when value.Length == 8
                    && BinaryPrimitives.ReadInt64BigEndian(value) is >= 0 and <= LastSecond and var seconds:
                    expires = Instant.FromUnixSeconds(seconds);
                    break;
                case Entry.ServerKey when value.Length == KeyBytes: key = value.ToArray(); break;
                case Entry.Name: name = Encoding.UTF8.GetString(value); break;
                case Entry.Ticket: ticket += Encoding.UTF8.GetString(value); break;
                default:
                    if (type < SkippableFrom) return JoinCodeFault.Newer;
                    break;
            }
        }

        if (hosts.Count == 0 || webPort is null || project is null || token is null || key is null || expires is null)
            return JoinCodeFault.Newer;

        code = new JoinCode(hosts, webPort.Value, leafPort, project, token, expires.Value, key, name ?? "project")
        {
            Ticket = ticket,
        };
        return JoinCodeFault.None;
    }

    private static void Add(List<byte> bytes, Entry type, ReadOnlySpan<byte> value)
    {
        if (value.Length > byte.MaxValue)
            throw new ArgumentException($"An entry of a join code holds at most 255 bytes, not {value.Length}.");

        bytes.Add((byte)type);
        bytes.Add((byte)value.Length);
        bytes.AddRange(value);
    }

    private static byte[] Checksum(ReadOnlySpan<byte> payload)
    {
        var hasher = new ArtifactHasher(HashKind.Sha3);
        hasher.Append(payload);
        return Convert.FromHexString(hasher.Finish().ToString()[..(2 * ChecksumBytes)]);
    }
}
