using System.Diagnostics.CodeAnalysis;
using System.Net;
using EdgeSync.Iroh.Dns;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.Discovery;

/// <summary>
/// Endpoints find each other on one network by mDNS (RFC 6762), as iroh's own crate does.
/// <code>
/// query    PTR _irohv1._udp.local
/// answer   SRV &lt;peer>._irohv1._udp.local → &lt;peer>-&lt;port>.local port    one for each port
///          TXT &lt;peer>._irohv1._udp.local relay=… user-data=…
///          A, AAAA &lt;peer>-&lt;port>.local                                 in the additional section
/// </code>
/// All have a TTL of 0; the peer is its id in base32. Queries are sent when none was received for ten seconds and more;
/// to a query a few answer, which bounds the traffic of large networks.
/// </summary>
public sealed class LanDiscovery
{
    /// <summary>Where queries and answers go.</summary>
    public const int Port = 5353;

    /// <summary>Bytes of a message at most.</summary>
    public const int MessageBytesMax = 1472;

    private const string Service = "_irohv1._udp.local";
    private const string Local = ".local";
    private const int Base32Digits = 52;

    /// <summary>Answers to one query that are enough.</summary>
    private const int AnswersMax = 10;

    private const int PeersMax = 4096;

    private static readonly TimeSpan QueryInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnswerDelay = TimeSpan.FromMilliseconds(100);

    private readonly EndpointId _self;
    private readonly Prng _prng;
    private readonly Dictionary<EndpointId, Peer> _peers = [];
    private readonly Queue<byte[]> _messages = new();
    private readonly Queue<LanEvent> _events = new();

    private EndpointInfo? _info;
    private Instant _queryAt;
    private Instant? _answerAt;
    private int _answersHeard;
    private bool _hasAnswered;
    private int _missed;

    public LanDiscovery(EndpointId self, Prng prng, Instant now)
    {
        ArgumentNullException.ThrowIfNull(prng);
        (_self, _prng) = (self, prng);
        _queryAt = now;   // the first question is asked at once
    }

    /// <summary>The group of IPv4.</summary>
    public static IPAddress Group4 { get; } = IPAddress.Parse("224.0.0.251");

    /// <summary>When <see cref="OnDeadline"/> is due.</summary>
    public Instant Deadline
    {
        get
        {
            var next = Instant.Earlier(_queryAt, _answerAt)!.Value;
            foreach (var peer in _peers.Values) next = Instant.Earlier(next, peer.HeardAt + Lifetime)!.Value;
            return next;
        }
    }

    /// <summary>What this endpoint answers; null: nothing, it listens only.</summary>
    public void Announce(EndpointInfo? info) => _info = info;

    /// <summary>A message for the group.</summary>
    public bool TryTakeMessage([NotNullWhen(true)] out byte[]? message) => _messages.TryDequeue(out message);

    public bool TryTakeEvent([NotNullWhen(true)] out LanEvent? found) => _events.TryDequeue(out found);

    /// <summary>A datagram from the network; other services share the port.</summary>
    public void Receive(Instant now, ReadOnlySpan<byte> message)
    {
        if (!DnsReader.TryRead(message, out var read)) return;

        if (!read.IsResponse)
        {
            if (read.Questions.Any(IsOurs)) OnQuery(now);
            return;
        }

        foreach (var info in PeersOf(read)) OnPeer(now, info);
    }

    public void OnDeadline(Instant now)
    {
        if (_queryAt <= now)
        {
            _messages.Enqueue(DnsWriter.Write(new DnsMessage
            {
                Questions = [new DnsQuestion(Service, DnsType.Ptr, DnsMessage.ClassIn)],
            }));
            OnQuery(now);
        }

        if (_answerAt is { } answerAt && answerAt <= now)
        {
            _answerAt = null;
            _hasAnswered = _info is not null;
            _missed = 0;
            if (_info is not null) _messages.Enqueue(AnswerOf(_info));
        }

        foreach (var (id, peer) in _peers.ToArray())
        {
            if (now - peer.HeardAt < Lifetime) continue;

            _peers.Remove(id);
            _events.Enqueue(new LanEvent(id, null));
        }
    }

    private int SwarmSize => _peers.Count + 1;

    // In a large network each peer answers one of several queries.
    private TimeSpan Lifetime => 3 * QueryInterval * Math.Max(1.0, SwarmSize / (double)AnswersMax);

    private static bool IsOurs(DnsQuestion question) =>
        question.Name == Service && question.Type is DnsType.Ptr or DnsType.Any
        && (question.Class & ~DnsMessage.ClassFlag) == DnsMessage.ClassIn;

    // A query of another endpoint replaces our own.
    private void OnQuery(Instant now)
    {
        _queryAt = now + QueryInterval + (QueryInterval * (SwarmSize / 10.0) * _prng.NextDouble());
        _answersHeard = 0;
        // An endpoint that has not answered several queries gets a shorter delay.
        var delay = AnswerDelay * (SwarmSize / (double)AnswersMax) * _prng.NextDouble() / (1 + _missed);
        if (_hasAnswered) delay += AnswerDelay * Math.Min(SwarmSize / AnswersMax, 10);
        _answerAt = now + delay;
    }

    private void OnPeer(Instant now, EndpointInfo info)
    {
        if (++_answersHeard >= AnswersMax && _answerAt is not null)
        {
            _answerAt = null;
            _hasAnswered = false;
            _missed++;
        }

        var id = info.Address.Id;
        if (id == _self) return;
        if (_peers.TryGetValue(id, out var known))
        {
            known.HeardAt = now;
            if (known.Texts.SequenceEqual(info.ToTexts())) return;
        }
        else if (_peers.Count >= PeersMax)
        {
            return;
        }

        _peers[id] = new Peer(info.ToTexts()) { HeardAt = now };
        _events.Enqueue(new LanEvent(id, info));
    }

    private static byte[] AnswerOf(EndpointInfo info)
    {
        var peer = info.Address.Id.ToBase32();
        var name = $"{peer}.{Service}";
        var (answers, additionals) = (new List<DnsRecord>(), new List<DnsRecord>());
        foreach (var port in info.Address.Direct.GroupBy(d => d.Port))
        {
            var target = $"{peer}-{port.Key}{Local}";
            answers.Add(new DnsRecord(name, DnsType.Srv, 0) { Port = port.Key, Target = target });
            foreach (var address in port) additionals.Add(AddressOf(target, address.ToAddress()));
        }

        var texts = info with { Address = new EndpointAddress(info.Address.Id, info.Address.Relays) };
        if (texts.ToTexts() is { Count: > 0 } list)
            answers.Add(new DnsRecord(name, DnsType.Txt, 0) { Texts = list });
        return DnsWriter.Write(new DnsMessage
        {
            Flags = DnsMessage.Response | DnsMessage.Authoritative,
            Answers = answers,
            Additionals = additionals,
        });
    }

    private static DnsRecord AddressOf(string target, IPAddress address) => new(
        target, address.GetAddressBytes().Length == 4 ? DnsType.A : DnsType.Aaaa, 0)
    { Address = address };

    private static IEnumerable<EndpointInfo> PeersOf(DnsMessage message)
    {
        foreach (var own in message.Answers.GroupBy(a => a.Name))
        {
            if (!own.Key.EndsWith("." + Service, StringComparison.Ordinal)
                || own.Key.Length != Base32Digits + 1 + Service.Length
                || !EndpointId.TryParse(own.Key.AsSpan(0, Base32Digits), out var id)) continue;

            var ports = own.Where(a => a.Type == DnsType.Srv).ToLookup(a => a.Target, a => a.Port);
            var direct =
                from record in message.Additionals
                where record.Address is not null
                from port in ports[record.Name]
                where port != 0
                select UdpAddress.From(record.Address!, port);
            var texts = EndpointInfo.FromTexts(id, own.SelectMany(a => a.Texts));
            yield return new EndpointInfo(
                new EndpointAddress(id, texts.Address.Relays, direct), texts.UserData);
        }
    }

    private sealed class Peer(IReadOnlyList<string> texts)
    {
        public IReadOnlyList<string> Texts => texts;

        public Instant HeardAt { get; set; }
    }
}

/// <summary>An endpoint on this network was found, changed, or is silent.</summary>
/// <param name="Id">Its id, which the network merely claims: a connection proves it.</param>
/// <param name="Info">What it answers; null: nothing for a long time.</param>
public sealed record LanEvent(EndpointId Id, EndpointInfo? Info);
