using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Notify;

/// <summary>
/// A one-time secret of twelve characters that a person reads and types: <c>AXKF-9M2P-VR3T</c>. The repository holds
/// its SHA-256 only. Read in any case, with or without dashes and blanks; characters that look alike
/// stand for each other. Spec: edgesync.md §7; leaf/agent/notify/token.go.
/// </summary>
public static class PairingToken
{
    public const string Alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

    public const int Length = 12;

    /// <summary>How long a token is accepted.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private const int TextMax = 64;

    // The largest multiple of 30 in a byte: greater ones would make the first characters more likely.
    private const int Accepted = 240;

    /// <summary>A new one, with dashes.</summary>
    public static string Create(Entropy entropy)
    {
        var text = new StringBuilder(Length + 2);
        Span<byte> one = stackalloc byte[1];
        for (var i = 0; i < Length;)
        {
            entropy.Fill(one);
            if (one[0] >= Accepted) continue;

            if (i is 4 or 8) text.Append('-');
            text.Append(Alphabet[one[0] % Alphabet.Length]);
            i++;
        }

        return text.ToString();
    }

    /// <summary>The twelve characters of the alphabet as they are most likely meant; false: not a token.</summary>
    public static bool TryParse(string text, out string raw)
    {
        raw = Meant(text) is { } meant ? string.Concat(meant.Select(options => options[0])) : "";
        return raw.Length == Length;
    }

    /// <summary>All that the text can mean, the likeliest first; none: not a token. At most 4096.</summary>
    public static IEnumerable<string> Readings(string text)
    {
        if (Meant(text) is not { } meant) yield break;

        var taken = new int[Length];
        while (true)
        {
            yield return string.Concat(meant.Select((options, i) => options[taken[i]]));

            var at = Length - 1;
            while (at >= 0 && ++taken[at] == meant[at].Length) taken[at--] = 0;
            if (at < 0) yield break;
        }
    }

    /// <summary>What the repository keeps: SHA-256 of the characters without dashes, as lower-case hex.</summary>
    public static string HashOf(string raw) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(raw)));

    // What each character can mean, as typed first; null: not a token.
    private static List<string>? Meant(string text)
    {
        if (text.Length > TextMax) return null;

        var meant = new List<string>(Length);
        foreach (var c in text)
        {
            if (c is '-' or '\u2013' or '\u2014' or '_' || char.IsWhiteSpace(c)) continue;

            var options = LookAlikes(char.ToUpperInvariant(c));
            if (!Alphabet.Contains(options[0], StringComparison.Ordinal)) return null;

            meant.Add(options);
        }

        return meant.Count == Length ? meant : null;
    }

    private static string LookAlikes(char c) => c switch
    {
        '2' => "2Z",
        'Z' => "Z2",
        '5' => "5S",
        'S' => "S5",
        '8' => "8B",
        'B' => "B8",
        // Not in the alphabet: each was another character when it was written.
        '0' or 'O' => "QD",
        '1' or 'I' or 'L' => "J7",
        'U' => "V",
        _ => c.ToString(),
    };
}

/// <summary>
/// The address that a QR code holds: <c>edgesync-pair://v1/ENDPOINT/NATS/TOKEN</c>, the NATS address percent-encoded,
/// the token without dashes.
/// </summary>
public sealed record PairUrl(string Endpoint, string Nats, string Token)
{
    private const string Prefix = "edgesync-pair://v1/";
    private const int TextMax = 2048;

    public override string ToString() => $"{Prefix}{Endpoint}/{Uri.EscapeDataString(Nats)}/{Token}";

    public static bool TryParse(string text, out PairUrl url)
    {
        url = new PairUrl("", "", "");
        if (text.Length > TextMax || !text.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        if (text[Prefix.Length..].Split('/') is not [var endpoint, var nats, var token]) return false;
        if (!PairingToken.TryParse(token, out var raw)) return false;

        url = new PairUrl(endpoint, Uri.UnescapeDataString(nats), raw);
        return true;
    }
}
