using EdgeSync.Primitives;

namespace EdgeSync.Storage;

/// <summary>How new artifacts are named (setting <c>hash-policy</c>).</summary>
public enum HashPolicy
{
    /// <summary>New names are SHA1.</summary>
    Sha1 = 0,

    /// <summary>SHA1 until the first SHA3 name arrives, then <see cref="Sha3"/>.</summary>
    Auto = 1,

    /// <summary>New names are SHA3-256; content that already has a SHA1 name keeps it.</summary>
    Sha3 = 2,

    /// <summary>New names are SHA3-256, even of content that already has a SHA1 name.</summary>
    Sha3Only = 3,

    /// <summary>As <see cref="Sha3Only"/>, and SHA1 names are rejected.</summary>
    ShunSha1 = 4,
}

/// <summary>What a policy decides.</summary>
public static class HashPolicies
{
    /// <summary>The setting's text.</summary>
    public static bool TryParse(string? text, out HashPolicy policy)
    {
        policy = HashPolicy.Sha3;
        if (text is not { Length: 1 } || text[0] is < '0' or > '4') return false;

        policy = (HashPolicy)(text[0] - '0');
        return true;
    }

    /// <summary>The hash that names new content.</summary>
    public static HashKind NewNames(this HashPolicy policy) =>
        policy is HashPolicy.Sha1 or HashPolicy.Auto ? HashKind.Sha1 : HashKind.Sha3;

    /// <summary>The other hash under which content may already be stored; <see cref="HashKind.None"/>: do not look it
    /// up.</summary>
    public static HashKind OtherNames(this HashPolicy policy) => policy switch
    {
        HashPolicy.Sha1 or HashPolicy.Auto => HashKind.Sha3,
        HashPolicy.Sha3 => HashKind.Sha1,
        _ => HashKind.None,
    };
}
