using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Bridge;

/// <summary>How a bridge finds out what its server got from elsewhere.</summary>
public sealed record ProbeOptions
{
    /// <summary>Pause between two looks while something goes on.</summary>
    public TimeSpan PauseMin { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Pause that looks without a find grow to.</summary>
    public TimeSpan PauseMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Who reads at the server; null is nobody in particular.</summary>
    public string? Login { get; init; }

    public string Password { get; init; } = "";
}

/// <summary>
/// A stock server tells nobody what it got, so its bridge looks: one small request, a pull that wants nothing. The
/// answer names what is in no cluster yet, and that is where everything new appears:
/// <code>
///   pull SERVERCODE PROJECTCODE   ─▶   igot A ⏎ igot B ⏎ igot C      C was not in the answer before: news
/// </code>
/// One look of the bridge stands for the polls of all its leaves. Looks are frequent while something is brought or
/// found, rarer and rarer after, and none is made where nobody listens.
/// </summary>
/// <remarks>A new cluster in the answer counts as news too: what it holds may have come between two looks.</remarks>
internal sealed class UpstreamProbe(ProbeOptions options, string projectCode)
{
    private const double Growth = 1.25;
    private const int HeardMax = 1024;

    /// <summary>A server that names more keeps no clusters; its leaves poll by themselves.</summary>
    private const int NamedMax = 100_000;
    private const int FaultBytesMax = 200;

    private static readonly TimeSpan ListenersStay = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan FaultPauseMax = TimeSpan.FromMinutes(1);

    private readonly HashSet<string> _heard = new(StringComparer.Ordinal);
    private HashSet<string>? _seen;
    private TimeSpan _pause = options.PauseMin;
    private Instant? _nextAt;
    private Instant _listenedUntil;
    private bool _isRunning;
    private bool _isNudged;

    /// <summary>True while the server answers: then the leaves need not look themselves.</summary>
    public bool Tells { get; private set; }

    /// <summary>Why the last look found nothing out.</summary>
    public string? Fault { get; private set; }

    /// <summary>When the next look is due; null while one is under way, and while nobody listens.</summary>
    public Instant? Deadline => _isRunning ? null : _nextAt;

    /// <summary>Somebody is there who wants to know.</summary>
    public void OnListener(Instant now)
    {
        _listenedUntil = now + ListenersStay;
        _nextAt ??= now;
    }

    /// <summary>
    /// Somebody says that there may be something: a look at once, and another one if one is under way.
    /// </summary>
    public void Nudge(Instant now)
    {
        OnListener(now);
        (_nextAt, _isNudged) = (now, _isRunning);
    }

    /// <summary>
    /// Somebody brought it here and told the others, in this bridge's name: where one is at work, others are.
    /// </summary>
    public void OnTold(Instant now, string uuid)
    {
        if (_heard.Count < HeardMax) _heard.Add(uuid);
        OnListener(now);
        if (Fault is not null) return;

        _pause = options.PauseMin;
        if (_nextAt > now + _pause) _nextAt = now + _pause;
    }

    /// <summary>The request, if a look is due.</summary>
    public bool TryBegin(Instant now, Entropy entropy, out ReadOnlyMemory<byte> body)
    {
        body = default;
        if (_isRunning || _nextAt is not { } at || at > now) return false;
        if (_listenedUntil < now)
        {
            _nextAt = null;
            return false;
        }

        _isRunning = true;
        body = Request(entropy);
        return true;
    }

    /// <summary>No answer of use came.</summary>
    public void OnFailed(Instant now, string reason)
    {
        if (!_isRunning) return;

        (_isRunning, Tells, Fault) = (false, false, reason);
        _pause = _pause * 2 < FaultPauseMax ? _pause * 2 : FaultPauseMax;
        _nextAt = now + _pause;
    }

    /// <summary>
    /// The server's answer, unpacked. Gives what it holds that it did not hold at the last look, oldest first.
    /// </summary>
    public List<string> OnReply(Instant now, ReadOnlySpan<byte> message)
    {
        var fresh = new List<string>();
        if (!_isRunning) return fresh;   // it came too late
        if (!TryReadAnswer(message, out var present, out var fault))
        {
            OnFailed(now, fault);
            return fresh;
        }

        // At first there is nothing to compare with: the newest is named, for those who have it not.
        if (_seen is null) fresh.AddRange(present.TakeLast(1));
        else
            foreach (var uuid in present)
                if (!_seen.Contains(uuid) && !_heard.Contains(uuid))
                    fresh.Add(uuid);

        var isFirst = _seen is null;
        _seen = [.. present];
        _heard.IntersectWith(_seen);
        (_isRunning, Tells, Fault) = (false, true, null);
        _pause = fresh.Count > 0 && !isFirst ? options.PauseMin : Shorter(_pause * Growth, options.PauseMax);
        _nextAt = _isNudged ? now : now + _pause;
        _isNudged = false;
        return fresh;
    }

    private byte[] Request(Entropy entropy)
    {
        var cards = new ArrayBufferWriter<byte>(128);
        var writer = new XferWriter(cards);
        writer.Pull(entropy.NextHex(40), projectCode);
        // each request another one, so that none is good twice
        writer.Comment(Encoding.ASCII.GetBytes(entropy.NextHex(40)));
        var whole = new ArrayBufferWriter<byte>(256);
        if (options.Login is { } login)
            XferLogin.Write(
                new XferWriter(whole), login, XferLogin.SharedSecret(projectCode, login, options.Password),
                cards.WrittenSpan);
        whole.Write(cards.WrittenSpan);
        var framed = new ArrayBufferWriter<byte>(256);
        XferFrame.Encode(XferEncoding.Zlib, whole.WrittenSpan, framed);
        return framed.WrittenSpan.ToArray();
    }

    private static bool TryReadAnswer(ReadOnlySpan<byte> message, out List<string> present, out string fault)
    {
        (present, fault) = ([], "its answer cannot be read");
        var reader = new XferReader(message);
        while (reader.TryRead(out var card) is var status)
        {
            if (status != OperationStatus.Done) return status == OperationStatus.NeedMoreData && reader.IsAtEnd;

            switch (card.Kind)
            {
                case CardKind.Error:
                    fault = Sentence(card[1]);
                    return false;
                case CardKind.IGot when present.Count == NamedMax:
                    fault = $"its answer names more than {NamedMax} artifacts";
                    return false;
                case CardKind.IGot when card.Count == 2 && ArtifactId.TryParse(card[1], out var id):
                    present.Add(id.ToString());   // with a third word it is private
                    break;
            }
        }

        return true;
    }

    private static string Sentence(ReadOnlySpan<byte> text) =>
        Encoding.UTF8.GetString(text[..Math.Min(text.Length, FaultBytesMax)])
        .Replace("\\s", " ", StringComparison.Ordinal);

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
