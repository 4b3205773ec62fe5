using System.Buffers.Text;
using System.Text;

namespace EdgeSync.Nats.Client;

/// <summary>
/// One subscription for the replies of all requests: <c>_INBOX.&lt;nuid&gt;.*</c>, where the last token is the number of the
/// request. The first reply wins; later ones find nobody.
/// </summary>
internal sealed class RequestMux(int countMax, string prefix)
{
    /// <summary>Sids of users begin behind it.</summary>
    public const int SidNumber = 1;

    private readonly byte[] _prefix = Encoding.ASCII.GetBytes(prefix);

    // Token → whether its PUB may have been on the link that is open now.
    private readonly Dictionary<long, bool> _waiting = [];

    public static ReadOnlySpan<byte> Sid => "1"u8;

    public byte[] Wildcard { get; } = Encoding.ASCII.GetBytes(prefix + "*");

    public bool IsSubscribed { get; private set; }

    public bool IsFull => _waiting.Count >= countMax;

    public int ReplyBytesMax => _prefix.Length + 20;

    /// <summary>True the first time: somebody must subscribe.</summary>
    public bool Begin() => !IsSubscribed && (IsSubscribed = true);

    public int WriteReply(Span<byte> target, long token)
    {
        _prefix.CopyTo(target);
        Utf8Formatter.TryFormat(token, target[_prefix.Length..], out var digits);
        return _prefix.Length + digits;
    }

    public void Add(long token, bool isOnLink) => _waiting.Add(token, isOnLink);

    public void Forget(long token) => _waiting.Remove(token);

    public bool TryEnd(ReadOnlySpan<byte> subject, out long token)
    {
        token = 0;
        if (!subject.StartsWith(_prefix)) return false;

        var digits = subject[_prefix.Length..];
        return Utf8Parser.TryParse(digits, out token, out var read) && read == digits.Length && _waiting.Remove(token);
    }

    /// <summary>Requests that waited for a link went out on it.</summary>
    public void OnLink()
    {
        foreach (var token in _waiting.Keys.ToArray()) _waiting[token] = true;
    }

    /// <summary>Takes away those whose reply cannot come any more.</summary>
    public IReadOnlyList<long> OnLinkLost()
    {
        var lost = _waiting.Where(entry => entry.Value).Select(entry => entry.Key).ToArray();
        foreach (var token in lost) _waiting.Remove(token);
        return lost;
    }

    public IReadOnlyList<long> OnClosed()
    {
        var lost = _waiting.Keys.ToArray();
        _waiting.Clear();
        return lost;
    }
}
