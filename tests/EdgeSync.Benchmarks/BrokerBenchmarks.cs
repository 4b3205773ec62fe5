using System.Text;
using BenchmarkDotNet.Attributes;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Benchmarks;

/// <summary>Matching a subject: among few and many subscriptions, cached and not.</summary>
public class SubjectTrieBenchmarks
{
    private readonly byte[][] _subjects = new byte[256][];
    private SubjectTrie _remembering = null!;
    private SubjectTrie _forgetful = null!;
    private Subscription _inbox = null!;
    private int _next;

    [Params(100, 100_000)]
    public int Subscriptions { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var now = Instant.FromUnixSeconds(0);
        var core = new BrokerCore(new BrokerOptions { ServerName = "bench" }, new SeededEntropy(1), new Prng(1), now);
        var owner = core.Attach(new ConnectionOrigin { Kind = ConnectionKind.Client }, now);
        _remembering = new SubjectTrie(new TokenComparer(1));
        _forgetful = new SubjectTrie(new TokenComparer(1), answersMax: 1);
        for (var i = 0; i < Subscriptions; i++)
        {
            foreach (var trie in (SubjectTrie[])[_remembering, _forgetful])
                trie.Add(
                    new Subscription(
                        owner, Encoding.ASCII.GetBytes($"devices.{i}.{(i % 10 == 0 ? "*" : "status")}"), null, []));
        }

        for (var i = 0; i < _subjects.Length; i++)
            _subjects[i] = Encoding.ASCII.GetBytes($"devices.{i * 31 % Subscriptions}.status");
        _inbox = new Subscription(owner, "_INBOX.0123456789abcdefghijkl.*"u8.ToArray(), null, []);
    }

    [Benchmark(Baseline = true)]
    public object MatchRemembered() => _remembering.Match(_subjects[_next++ & 255]);

    [Benchmark]
    public object MatchAfresh() => _forgetful.Match(_subjects[_next++ & 255]);

    [Benchmark]
    public void AnInboxComesAndGoes()
    {
        _forgetful.Add(_inbox);
        _forgetful.Remove(_inbox);
    }
}

/// <summary>A thousand messages of one publisher, from the bytes of a socket to the bytes of the receivers.</summary>
public class BrokerBenchmarks
{
    private const int Messages = 1000;

    private readonly List<OutputSegment> _segments = [];
    private readonly List<BrokerConnection> _receivers = [];
    private readonly Instant _now = Instant.FromUnixSeconds(0);
    private BrokerCore _core = null!;
    private BrokerConnection _publisher = null!;
    private byte[] _batch = [];

    [Params(0, 1, 8)]
    public int Receivers { get; set; }

    [Params(16, 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _core = new BrokerCore(new BrokerOptions { ServerName = "bench" }, new SeededEntropy(1), new Prng(1), _now);
        _publisher = Attach("");
        for (var i = 0; i < Receivers; i++) _receivers.Add(Attach("SUB bench.subject 1\r\n"));
        _batch = Encoding.ASCII.GetBytes(
            string.Concat(Enumerable.Repeat($"PUB bench.subject {Size}\r\n{new string('x', Size)}\r\n", Messages)));
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public void Publish()
    {
        _core.Receive(_publisher, _now, _batch);
        while (_core.TryTakeTouched(out var connection)) Drain(connection);
    }

    private BrokerConnection Attach(string text)
    {
        var connection = _core.Attach(new ConnectionOrigin { Kind = ConnectionKind.Client }, _now);
        _core.Receive(
            connection, _now, Encoding.ASCII.GetBytes("CONNECT {\"verbose\":false,\"pedantic\":false}\r\n" + text));
        Drain(connection);
        return connection;
    }

    private void Drain(BrokerConnection connection)
    {
        var size = _core.TakeOutput(connection, _segments, _now);
        foreach (var segment in _segments) _core.Recycle(segment);
        _segments.Clear();
        _core.OutputSent(connection, size, _now);
    }
}
