using System.Buffers;

namespace EdgeSync.Agent.Messages;

/// <summary>
/// The subjects of one project. Spec: edgesync.md §3.
/// <code>
///   PREFIX.CODE.sync          a request for any responder (queue group sync-CODE)
///   PREFIX.CODE.sync.PEER     a request for one peer
///   PREFIX.CODE.commit        "I have this artifact now"
///   PREFIX.CODE.presence      "I am present, in this state"
/// </code>
/// </summary>
public sealed record ProjectSubjects(string Prefix, string ProjectCode)
{
    /// <summary>The longest node id accepted in a message.</summary>
    public const int PeerLengthMax = 128;

    private static readonly SearchValues<char> Separators = SearchValues.Create(" \t\r\n\0");

    public string Sync { get; } = $"{Prefix}.{ProjectCode}.sync";

    public string Commit { get; } = $"{Prefix}.{ProjectCode}.commit";

    public string Presence { get; } = $"{Prefix}.{ProjectCode}.presence";

    /// <summary>The queue group of which one member replies to a request on <see cref="Sync"/>.</summary>
    public string QueueGroup { get; } = $"sync-{ProjectCode}";

    /// <summary>The subject on which only <paramref name="peer"/> replies.</summary>
    public string SyncOf(string peer) => $"{Sync}.{peer}";

    /// <summary>True if a node id from a message is valid as a token of a subject.</summary>
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

    /// <summary>Makes the one-token node id of our own nodes from a host name or a user's text.</summary>
    public static string PeerNameOf(string text)
    {
        Span<char> name = stackalloc char[Math.Min(text.Length, PeerLengthMax)];
        for (var i = 0; i < name.Length; i++)
            name[i] = char.IsAsciiLetterOrDigit(text[i]) || text[i] is '-' or '_' ? text[i] : '-';
        return name.IsEmpty ? "unknown" : new string(name);
    }
}
