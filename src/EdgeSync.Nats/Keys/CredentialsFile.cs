using EdgeSync.Primitives;

namespace EdgeSync.Nats.Keys;

/// <summary>
/// The <c>.creds</c> file of a user: a JWT signed by an account, and the seed to sign a server's nonce with. Two blocks
/// between lines of dashes, with ignored text around them; line ends of either kind.
/// </summary>
public sealed class CredentialsFile
{
    private CredentialsFile(string jwt, string seed) => (Jwt, Seed, Key) = (jwt, seed, NKeyPair.FromSeed(seed));

    public string Jwt { get; }

    /// <summary>A secret: never printed.</summary>
    public string Seed { get; }

    public NKeyPair Key { get; }

    /// <exception cref="EdgeSyncException">A block is missing or damaged.</exception>
    public static CredentialsFile Parse(string text)
    {
        var blocks = new List<string>();
        string? inside = null;
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.Trim();
            if (line.StartsWith("---", StringComparison.Ordinal))
            {
                if (inside is not null) blocks.Add(inside);
                inside = inside is null && line.Contains("BEGIN", StringComparison.Ordinal) ? "" : null;
            }
            else if (inside is not null)
            {
                inside += line;
            }
        }

        return blocks is [{ Length: > 0 } jwt, { Length: > 0 } seed, ..]
            ? new CredentialsFile(jwt, seed)
            : throw new EdgeSyncException(
                ErrorKind.Usage, "The NATS credentials lack a block.",
                "a .creds file holds a USER JWT and a USER NKEY SEED");
    }
}
