using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Iroh.Relay;

/// <summary>
/// Clients and one relay in virtual time, over links with delays that break. When the faults stop, every client is
/// online and reaches every other one.
/// </summary>
public sealed class RelaySimulationTests
{
    [Test]
    public void Clients_come_back_and_reach_each_other()
    {
        for (var seed = 1UL; seed <= (ulong)SeedCount.Or(20); seed++)
        {
            var world = new RelayWorld(seed);
            world.Run(TimeSpan.FromMinutes(3), isFaulty: true);
            world.Run(TimeSpan.FromMinutes(1), isFaulty: false);

            world.RequireAllReachable();
        }
    }

    [Test]
    public void One_seed_is_one_run()
    {
        var (one, other) = (new RelayWorld(7), new RelayWorld(7));
        one.Run(TimeSpan.FromMinutes(2), isFaulty: true);
        other.Run(TimeSpan.FromMinutes(2), isFaulty: true);

        Assert.Equal(one.Totals.ToString(), other.Totals.ToString());
        Assert.True(one.Totals is { ForwardedCount: > 100, ReplacedCount: > 0 });
    }

    private sealed class RelayWorld
    {
        private readonly Prng _prng;
        private readonly RelayServer _relay;
        private readonly SimClient[] _clients;
        private readonly PriorityQueue<Action, (Instant, int)> _agenda = new();

        private Instant _now = Instant.FromUnixSeconds(1_700_000_000);
        private int _order;
        private bool _isDown;

        public RelayWorld(ulong seed)
        {
            _prng = new Prng(seed);
            _relay = new RelayServer(new RelayServerOptions(), new SeededEntropy(seed), _prng.Fork());
            _clients = [.. Enumerable.Range(1, 6).Select(i => new SimClient(
                new RelayClient(IrohVectors.KeyOf((byte)i), new RelayClientOptions(), _prng.Fork(), _now),
                IrohVectors.KeyOf((byte)i).Id))];
        }

        public RelayServerTotals Totals => _relay.Totals;

        public void Run(TimeSpan span, bool isFaulty)
        {
            var end = _now + span;
            _isDown = false;
            Tick(end, isFaulty);
            while (true)
            {
                Pump();
                var next = Instant.Earlier(_relay.Deadline, end)!.Value;
                foreach (var client in _clients) next = Instant.Earlier(client.Core.Deadline, next)!.Value;
                if (_agenda.TryPeek(out _, out var at) && at.Item1 < next) next = at.Item1;
                if (next >= end) break;

                _now = next > _now ? next : _now;
                while (_agenda.TryPeek(out var action, out at) && at.Item1 <= _now)
                {
                    _agenda.Dequeue();
                    action();
                }

                _relay.OnDeadline(_now);
                foreach (var client in _clients) client.Core.OnDeadline(_now);
            }

            _now = end;
        }

        public void RequireAllReachable()
        {
            foreach (var client in _clients)
            {
                Assert.Equal(RelayClientState.Online, client.Core.State);
                client.Received.Clear();
                foreach (var other in _clients) Send(other, client, marker: 1);
            }

            Run(TimeSpan.FromSeconds(2), isFaulty: false);
            foreach (var client in _clients)
                Assert.Equal(_clients.Length, client.Received.Count);
        }

        private void Tick(Instant end, bool isFaulty)
        {
            if (_now >= end) return;

            Work(isFaulty);
            After(TimeSpan.FromMilliseconds(100), () => Tick(end, isFaulty));
        }

        private void Work(bool isFaulty)
        {
            var (one, other) = (_clients[_prng.NextInt32(6)], _clients[_prng.NextInt32(6)]);
            if (isFaulty && _prng.Chance(0.7)) Send(one, other, marker: 0);
            if (!isFaulty || !_prng.Chance(0.02)) return;

            switch (_prng.NextInt32(4))
            {
                case 0: Lose(one); break;
                // The server does not notice: the client's next connection replaces the old one.
                case 1: LoseSilently(one); break;
                case 2:
                    _relay.Restart(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
                    break;
                default:
                    _isDown = true;
                    foreach (var client in _clients) Lose(client);
                    After(TimeSpan.FromSeconds(_prng.NextInt32(1, 20)), () => _isDown = false);
                    break;
            }
        }

        private void Send(SimClient from, SimClient to, byte marker) =>
            from.Core.Send(_now, to.Id, EcnMark.Ect0, 0, [marker, .. to.Id.ToArray()]);

        private void Pump()
        {
            foreach (var client in _clients)
            {
                while (client.Core.TryTakeCommand(out var command))
                {
                    Lose(client, isReported: false);
                    if (command == RelayCommand.Connect) Connect(client);
                }

                while (client.Connection is { } connection && client.Core.TryTakeMessage(_now, out var message))
                    After(Delay(), () => Arrive(client, connection, message));
            }

            while (_relay.TryTakeReady(out var connection)) PumpServer(connection);
        }

        private void PumpServer(long connection)
        {
            var client = Array.Find(_clients, c => c.Connection == connection);
            while (_relay.TryTakeMessage(connection, out var message))
                if (client is not null) After(Delay(), () => Deliver(client, connection, message));
            if (!_relay.IsClosing(connection)) return;

            _relay.OnClosed(connection);
            After(TimeSpan.FromMilliseconds(100), () =>
            {
                if (client?.Connection == connection) Lose(client);
            });
        }

        private void Connect(SimClient client) => After(Delay(), () =>
        {
            if (client.Core.State != RelayClientState.Connecting || client.Connection is not null) return;
            if (_isDown || !_relay.TryAccept(_now, isV2: true, null, out var connection))
            {
                client.Core.OnDisconnected(_now);
                return;
            }

            client.Connection = connection;
            client.Core.OnConnected(_now);
        });

        private void Arrive(SimClient client, long connection, byte[] message)
        {
            if (client.Connection == connection) _relay.Receive(_now, connection, message);
        }

        private void Deliver(SimClient client, long connection, byte[] message)
        {
            if (client.Connection != connection) return;

            var received = client.Core.Receive(_now, message);
            if (received.Kind != RelayEventKind.Datagrams) return;

            // Never another client's.
            Assert.True(received.Datagrams[1..].SequenceEqual(client.Id.ToArray()));
            if (received.Datagrams[0] == 1) client.Received.Add(received.Peer);
        }

        private void Lose(SimClient client, bool isReported = true)
        {
            if (client.Connection is not { } connection) return;

            client.Connection = null;
            _relay.OnClosed(connection);
            if (isReported) client.Core.OnDisconnected(_now);
        }

        private void LoseSilently(SimClient client)
        {
            if (client.Connection is null) return;

            client.Connection = null;
            client.Core.OnDisconnected(_now);
        }

        private static TimeSpan Delay() => TimeSpan.FromMilliseconds(20);

        private void After(TimeSpan delay, Action action) => _agenda.Enqueue(action, (_now + delay, _order++));
    }

    private sealed class SimClient(RelayClient core, EndpointId id)
    {
        public RelayClient Core => core;

        public EndpointId Id => id;

        public long? Connection { get; set; }

        public HashSet<EndpointId> Received { get; } = [];
    }
}
