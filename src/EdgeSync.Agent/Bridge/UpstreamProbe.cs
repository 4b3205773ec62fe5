using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Bridge;

/// <summary>How a bridge detects new artifacts of its server.</summary>
public sealed record ProbeOptions
{
    /// <summary>Pause between two probes during changes.</summary>
    public TimeSpan PauseMin { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The pause to which probes without changes back off.</summary>
    public TimeSpan PauseMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The login at the server; null: none.</summary>
    public string? Login { get; init; }

    public string Password { get; init; } = "";
}

/// <summary>
/// A stock server announces nothing, so its bridge probes it: one small request, a pull that requests nothing. The
/// reply announces what is in no cluster yet, and everything new appears there:
/// <code>
///   pull SERVERCODE PROJECTCODE   ─▶   igot A ⏎ igot B ⏎ igot C      C was not in the reply before: new
/// </code>
/// One probe of the bridge replaces the polls of all its leaves. Probes are frequent during changes, back off
/// afterwards, and stop without listeners.
/// </summary>
/// <remarks>A new cluster in the reply counts as a change too: its members may have arrived between two
/// probes.</remarks>
internal sealed class UpstreamProbe(ProbeOptions options, string projectCode)
{
    private const double Growth = 1.25;
    private const int HeardMax = 1024;

    /// <summary>A server that announces more makes no clusters; its leaves poll by themselves.</summary>
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

    /// <summary>True while the server replies: then the leaves need not poll.</summary>
    public bool Tells { get; private set; }

    /// <summary>Why the last probe failed.</summary>
    public string? Fault { get; private set; }

    /// <summary>When the next probe is due; null during one, and without listeners.</summary>
    public Instant? Deadline => _isRunning ? null : _nextAt;

    /// <summary>A peer is present.</summary>
    public void OnListener(Instant now)
    {
        _listenedUntil = now + ListenersStay;
        _nextAt ??= now;
    }

    /// <summary>
    /// The server may have changed: a probe at once, and another one if one is under way.
    /// </summary>
    public void Nudge(Instant now)
    {
        OnListener(now);
        (_nextAt, _isNudged) = (now, _isRunning);
    }

    /// <summary>
    /// A peer pushed an artifact through the bridge and announced it under the bridge's node id: more are likely.
    /// </summary>
    public void OnTold(Instant now, string uuid)
    {
        if (_heard.Count < HeardMax) _heard.Add(uuid);
        OnListener(now);
        if (Fault is not null) return;

        _pause = options.PauseMin;
        if (_nextAt > now + _pause) _nextAt = now + _pause;
    }

    /// <summary>The request, if a probe is due.</summary>
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

    /// <summary>The probe failed.</summary>
    public void OnFailed(Instant now, string reason)
    {
        if (!_isRunning) return;

        (_isRunning, Tells, Fault) = (false, false, reason);
        _pause = _pause * 2 < FaultPauseMax ? _pause * 2 : FaultPauseMax;
        _nextAt = now + _pause;
    }

    /// <summary>
    /// The server's reply, unpacked. Returns the artifacts that were not in the last reply, oldest first.
    /// </summary>
    public List<string> OnReply(Instant now, ReadOnlySpan<byte> message)
    {
        var fresh = new List<string>();
        if (!_isRunning) return fresh;   // it arrived too late
        if (!TryReadAnswer(message, out var present, out var fault))
        {
            OnFailed(now, fault);
            return fresh;
        }

        // The first reply has no predecessor: the newest is announced, for peers that lack it.
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
        // makes each request unique, so that none can be replayed
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
        (present, fault) = ([], "its reply cannot be parsed");
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
                    fault = $"its reply announces more than {NamedMax} artifacts";
                    return false;
                case CardKind.IGot when card.Count == 2 && ArtifactId.TryParse(card[1], out var id):
                    present.Add(id.ToString());   // a third word means private
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
