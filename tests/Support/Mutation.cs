using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Tests.Support;

/// <summary>
/// Spoils good bytes the way damage, mistakes and attackers do. Same <see cref="Prng"/>, same result.
/// </summary>
internal static class Mutation
{
    private static readonly byte[][] Tokens =
    [
        .. new[]
        {
            "", " ", "  ", "\n", "\n\n", "\r\n", "\t", "\0", "0", "-1", "1", "4294967295", "4294967296", "2147483647",
                "-2147483648",
            "9223372036854775807", "18446744073709551616", "99999999999999999999", "1e9", "0x10", "~", "zzzzz", "*",
                "+", "-", "\\", "\\s",
            "\\n", "\\0", "\\x", "a/../b", "/abs", "./x", "x/", "a//b", ".fslckout", "_FOSSIL_", "now", "2024-01-01",
                "2024-01-01T00:00:00Z",
            "2024-02-30", "24:00", "2460000.5", "2024-01-01T10:00:00+01:00", "file", "cfile", "igot", "gimme", "push",
                "pull", "clone 3 1", "login a b c",
            "private", "error x", "pragma", "uvfile", "config", "@", ",", ":", ";", "~~~~~@0,", "0@0,",
                "Z 00000000000000000000000000000000\n",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a", "\u00e9", "\ud83d\ude00",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0, 0, 0, 0], [0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0],
        [0xff, 0xff, 0xff, 0xff], [0x78, 0x9c],
    ];

    /// <summary>One to four changes anywhere.</summary>
    public static byte[] OfBytes(Prng prng, byte[] good, IReadOnlyList<byte[]> others)
    {
        var bytes = new List<byte>(good);
        for (var changes = prng.NextInt32(1, 5); changes > 0; changes--) Change(prng, bytes, others);
        return [.. bytes];
    }

    /// <summary>
    /// One to three changes to whole lines or tokens of an artifact, sealed again so that the checksum is not what
    /// fails.
    /// </summary>
    public static byte[] OfArtifact(Prng prng, byte[] good, IReadOnlyList<byte[]> others)
    {
        var body = WithoutSeal(good);
        for (var changes = prng.NextInt32(1, 4); changes > 0; changes--)
        {
            var lines = Lines(body);
            if (lines.Count == 0) break;
            var at = prng.NextInt32(lines.Count);
            switch (prng.NextInt32(7))
            {
                case 0: lines.Insert(at, lines[prng.NextInt32(lines.Count)]); break;
                case 1: lines.RemoveAt(at); break;
                case 2:
                    var to = prng.NextInt32(lines.Count);
                    (lines[at], lines[to]) = (lines[to], lines[at]);
                    break;
                case 3:
                    var donor = Lines(WithoutSeal(others[prng.NextInt32(others.Count)]));
                    if (donor.Count > 0) lines.Insert(at, donor[prng.NextInt32(donor.Count)]);
                    break;
                case 4: lines[at] = OfTokens(prng, lines[at]); break;
                case 5: lines[at] = OfTokens(prng, lines[at]); break;
                default:
                    var single = new List<byte>(lines[at]);
                    Change(prng, single, others: []);
                    lines[at] = [.. single];
                    break;
            }

            body = [.. lines.SelectMany(line => line)];
        }

        return Sealed(body);
    }

    public static byte[] Sealed(byte[] body) =>
        [.. body, .. Encoding.ASCII.GetBytes($"Z {Convert.ToHexStringLower(MD5.HashData(body))}\n")];

    private static byte[] WithoutSeal(byte[] artifact) =>
        artifact.Length >= 35 && artifact[^35] == 'Z' ? artifact[..^35] : artifact;

    private static byte[] OfTokens(Prng prng, byte[] line)
    {
        var tokens = Encoding.Latin1.GetString(line).TrimEnd('\n').Split(' ').ToList();
        var at = prng.NextInt32(tokens.Count);
        var token = Encoding.Latin1.GetString(prng.Pick<byte[]>(Tokens));
        switch (prng.NextInt32(5))
        {
            case 0: tokens[at] = token; break;
            case 1: tokens.Insert(at, token); break;
            case 2: tokens.RemoveAt(at); break;
            case 3: tokens.Add(token); break;
            default: tokens[at] = prng.Chance(0.5) ? tokens[at].ToUpperInvariant() : tokens[at] + token; break;
        }

        return Encoding.Latin1.GetBytes(string.Join(' ', tokens) + "\n");
    }

    private static List<byte[]> Lines(byte[] text)
    {
        var lines = new List<byte[]>();
        for (var start = 0; start < text.Length;)
        {
            var newline = text.AsSpan(start).IndexOf((byte)'\n');
            var end = newline < 0 ? text.Length : start + newline + 1;
            lines.Add(text[start..end]);
            start = end;
        }

        return lines;
    }

    private static void Change(Prng prng, List<byte> bytes, IReadOnlyList<byte[]> others)
    {
        var at = prng.NextInt32(bytes.Count + 1);
        switch (prng.NextInt32(8))
        {
            case 0 when bytes.Count > 0: bytes[at % bytes.Count] ^= (byte)(1 << prng.NextInt32(8)); break;
            case 1 when bytes.Count > 0: bytes[at % bytes.Count] = (byte)prng.NextInt32(256); break;
            case 2: bytes.RemoveRange(at, bytes.Count - at); break;
            case 3: bytes.RemoveRange(at, Math.Min(prng.NextInt32(1, 20), bytes.Count - at)); break;
            case 4: bytes.InsertRange(at, prng.Pick<byte[]>(Tokens)); break;
            case 5: bytes.InsertRange(at, prng.NextBytes(prng.NextInt32(1, 12))); break;
            case 6 when bytes.Count > 0:
                var length = Math.Min(prng.NextInt32(1, 60), bytes.Count - (at % bytes.Count));
                bytes.InsertRange(prng.NextInt32(bytes.Count), bytes.GetRange(at % bytes.Count, length));
                break;
            case 7 when others.Count > 0:
                var other = others[prng.NextInt32(others.Count)];
                var from = prng.NextInt32(other.Length + 1);
                bytes.InsertRange(at, other[from..Math.Min(other.Length, from + prng.NextInt32(200))]);
                break;
            default: bytes.InsertRange(at, prng.Pick<byte[]>(Tokens)); break;
        }
    }
}
