using System.Buffers;

namespace EdgeSync.Agent.Messages;

/// <summary>
/// Where the messages of one project travel. Spec: edgesync.md §3.
/// <code>
///   PREFIX.CODE.sync          a request for whoever answers first (queue group sync-CODE)
///   PREFIX.CODE.sync.PEER     a request for one peer
///   PREFIX.CODE.commit        "I have this artifact now"
///   PREFIX.CODE.presence      "I am here, and this is how far I am"
/// </code>
/// </summary>
public sealed record ProjectSubjects(string Prefix, string ProjectCode)
{
    public const string DefaultPrefix = "fossil";

    /// <summary>The longest name of a peer that is taken from a message.</summary>
    public const int PeerLengthMax = 128;

    private static readonly SearchValues<char> Separators = SearchValues.Create(" \t\r\n\0");

    public string Sync { get; } = $"{Prefix}.{ProjectCode}.sync";

    public string Commit { get; } = $"{Prefix}.{ProjectCode}.commit";

    public string Presence { get; } = $"{Prefix}.{ProjectCode}.presence";

    /// <summary>The group in which exactly one answers a request on <see cref="Sync"/>.</summary>
    public string QueueGroup { get; } = $"sync-{ProjectCode}";

    /// <summary>The subject on which only <paramref name="peer"/> answers.</summary>
    public string SyncOf(string peer) => $"{Sync}.{peer}";

    /// <summary>True if a name that came in a message can stand in a subject as it is.</summary>
    public static bool IsPeerName(string? name)
    {
        if (name is null || name.Length is 0 or > PeerLengthMax) return false;
        if (name.AsSpan().ContainsAny(Separators)) return false;

        foreach (var range in name.AsSpan().Split('.'))
        {
            var token = name.AsSpan(range);
            if (token.IsEmpty || token is "*" or ">") return false;
        }

        return true;
    }

    /// <summary>A host name or what a user typed as the one token that our own nodes call themselves by.</summary>
    public static string PeerNameOf(string text)
    {
        Span<char> name = stackalloc char[Math.Min(text.Length, PeerLengthMax)];
        for (var i = 0; i < name.Length; i++)
            name[i] = char.IsAsciiLetterOrDigit(text[i]) || text[i] is '-' or '_' ? text[i] : '-';
        return name.IsEmpty ? "unknown" : new string(name);
    }
}
