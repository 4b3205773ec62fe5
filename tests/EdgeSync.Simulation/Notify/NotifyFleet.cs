using System.Buffers;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Sync;

namespace EdgeSync.Simulation.Notify;

/// <summary>
/// Two to six devices that send, answer, read and sync messages in an order of the seed, with clocks that differ and
/// sessions that break off anywhere. Each has a watch that looks at any moment, also in the middle of a session. After
/// all that the devices sync until nothing moves any more.
/// </summary>
internal sealed class NotifyFleet : IDisposable
{
    private const int Steps = 120;
    private const string Code = "5f2d1a0c9b8e7f6a5d4c3b2a190807060504a3b2";

    // Shorter in all than the time after which a message is numbered without its predecessor.
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(100);

    private readonly Prng _prng;
    private readonly List<NotifyDeviceModel> _devices = [];
    private readonly Dictionary<string, NotifyItem> _sent = [];

    // What the sender of a message had of its thread: this comes first everywhere.
    private readonly Dictionary<string, List<string>> _before = [];
    private Instant _now = Instant.FromUnixSeconds(1_775_822_400);

    public NotifyFleet(ulong seed)
    {
        _prng = new Prng(seed);
        var count = _prng.NextInt32(2, 7);
        for (var i = 0; i < count; i++)
        {
            var skew = TimeSpan.FromSeconds(_prng.NextInt32(-1800, 1801));
            _devices.Add(new NotifyDeviceModel($"device{i}", seed * 31 + (ulong)i, Code, () => _now + skew));
        }
    }

    public Dictionary<string, int> Counts { get; } = [];

    public List<string> Faults { get; } = [];

    /// <summary>What all watches were given, in order.</summary>
    public string Trace => string.Join('\n', _devices.Select(d => $"{d.Name}: {string.Join(' ', d.Taken)}"));

    public void Run()
    {
        for (var step = 0; step < Steps; step++)
        {
            _now += StepTime;
            var device = _devices[_prng.NextInt32(0, _devices.Count)];
            switch (_prng.NextInt32(0, 10))
            {
                case 0 or 1: Send(device); break;
                case 2: Reply(device); break;
                case 3: Read(device); break;
                case 4: device.Restart(); break;
                case 5: device.Look(); break;
                default: Sync(device, Other(device), mayBreak: true); break;
            }
        }

        for (var round = 0; round < _devices.Count; round++)
            for (var i = 1; i < _devices.Count; i++) Sync(_devices[i - 1], _devices[i], mayBreak: false);
        for (var i = _devices.Count - 1; i > 0; i--) Sync(_devices[i], _devices[i - 1], mayBreak: false);
        foreach (var device in _devices) device.Look();
        Check();
    }

    public void Dispose()
    {
        foreach (var device in _devices) device.Dispose();
    }

    private NotifyDeviceModel Other(NotifyDeviceModel device)
    {
        var other = _devices[_prng.NextInt32(0, _devices.Count - 1)];
        return other == device ? _devices[^1] : other;
    }

    private void Send(NotifyDeviceModel device)
    {
        device.Notify.Update();
        var threads = device.Notify.Threads(null, false, 5);
        var thread = threads.Count > 0 && _prng.NextInt32(0, 3) > 0 ? threads[_prng.NextInt32(0, threads.Count)] : null;
        var before = thread is null ? [] : device.IdsOf(thread);
        Sent(device, "send", before, device.Notify.Send(new NotifySend($"{_sent.Count}")
        {
            Project = thread is null ? "ship" : null,
            Thread = thread?.Thread,
        }));
    }

    private void Reply(NotifyDeviceModel device)
    {
        device.Notify.Update();
        if (device.Notify.Threads(null, false, 5) is not { Count: > 0 } threads) return;

        var before = device.IdsOf(threads[0]);
        var sent = device.Notify.Reply(threads[0].Thread, new NotifySend($"{_sent.Count}"));
        Sent(device, "reply", before, sent);
        device.Read.Add(sent.ReplyTo!);
    }

    private void Sent(NotifyDeviceModel device, string what, List<string> before, NotifyItem item)
    {
        Count(what);
        _sent.Add(item.Id, item);
        _before.Add(item.Id, before);
    }

    private void Read(NotifyDeviceModel device)
    {
        if (device.Taken.Count == 0) return;

        var id = device.Taken[_prng.NextInt32(0, device.Taken.Count)];
        device.Notify.Queries.MarkRead([id]);
        device.Read.Add(id);
        Count("read");
    }

    private void Sync(NotifyDeviceModel client, NotifyDeviceModel server, bool mayBreak)
    {
        if (client == server) return;

        var left = mayBreak ? _prng.NextInt32(1, 8) : int.MaxValue;
        using var session = new ClientSession(
            client.Store, new ClientOptions { Actions = SyncActions.Sync }, new SeededEntropy(_prng.NextUInt64()));
        var buffer = new ArrayBufferWriter<byte>();
        while (session.TryBuildRequest(client.Now, buffer))
        {
            using var reply = new PooledBytes();
            new ServerHandler(server.Store, new ServerOptions { PeerCapabilities = "gioy" }).Handle(
                server.Now, buffer.WrittenMemory.ToArray(), client.Name, reply, null);
            if (_prng.NextInt32(0, 3) == 0) server.Look();
            if (--left == 0)
            {
                Count("broken");
                return;   // the reply is lost
            }

            session.Receive(client.Now, reply.Written.ToArray());
            if (_prng.NextInt32(0, 3) == 0) client.Look();
            buffer.ResetWrittenCount();
        }

        if (session.Report.Fault is { } fault) Faults.Add($"{client.Name} to {server.Name}: {fault.Text}");
        Count("sync");
    }

    private void Check()
    {
        foreach (var device in _devices)
        {
            foreach (var lost in _sent.Keys.Except(device.Taken)) Faults.Add($"{device.Name} lost {lost}");
            foreach (var twice in device.Taken.GroupBy(id => id).Where(g => g.Count() > 1))
                Faults.Add($"{device.Name} was given {twice.Key} {twice.Count()} times");
            var place = device.Taken.Select((id, i) => (id, i)).DistinctBy(p => p.id).ToDictionary(p => p.id, p => p.i);
            foreach (var (id, before) in _before)
                foreach (var earlier in before.Where(e => place.GetValueOrDefault(e) > place.GetValueOrDefault(id)))
                    Faults.Add($"{device.Name} was given {id} before {earlier}");

            var unread = _sent.Values.Count(m => m.From != device.Name && !device.Read.Contains(m.Id));
            var counted = device.Notify.Queries.Projects().Sum(p => p.Unread);
            if (unread != counted) Faults.Add($"{device.Name} counts {counted} unread, {unread} are");
            if (device.Notify.IsWaiting) Faults.Add($"{device.Name} still waits");
            var threads = Summary(device);
            if (threads != Summary(_devices[0])) Faults.Add($"{device.Name} lists other threads: {threads}");
        }
    }

    private static string Summary(NotifyDeviceModel device) => string.Join(
        ' ', device.Notify.Threads(null, true, 1000).Select(t => $"{t.ThreadShort}:{t.MessageCount}:{t.LastMessage}"));

    private void Count(string what) => Counts[what] = Counts.GetValueOrDefault(what) + 1;
}

/// <summary>A device: its copy of the messages, and what its watch was given.</summary>
internal sealed class NotifyDeviceModel : IDisposable
{
    private const string Watch = "watch";

    private readonly Func<Instant> _now;
    private readonly Repository _repository;
    private RepositoryArtifactStore _store;

    public NotifyDeviceModel(string name, ulong seed, string code, Func<Instant> now)
    {
        (Name, _now) = (name, now);
        _repository = Repository.Create(Database.InMemory, new RepositoryCreateOptions
        {
            AdminUser = "notify",
            ProjectCode = code,
            InitialDate = Instant.FromUnixSeconds(1_767_225_600),
            Entropy = new SeededEntropy(seed),
            Clock = new Clock(now),
        });
        NotifyRepository.SetDevice(_repository, name);
        Notify = new NotifyRepository(_repository);
        _store = new RepositoryArtifactStore(_repository);
    }

    public string Name { get; }

    public NotifyRepository Notify { get; private set; }

    public RepositoryArtifactStore Store => _store;

    public Instant Now => _now();

    public List<string> Taken { get; } = [];

    /// <summary>Ids of messages that somebody has read here.</summary>
    public HashSet<string> Read { get; } = [];

    public List<string> IdsOf(NotifyThreadItem thread) =>
        [.. Notify.Queries.Thread(thread.Project, thread.Thread).Select(m => m.Id)];

    /// <summary>The watch takes what has arrived.</summary>
    public void Look()
    {
        Notify.Update();
        foreach (var message in Notify.Queries.Arrived(default, Notify.Queries.WatchedUpTo(Watch) ?? 0, 1000))
        {
            Taken.Add(message.Id);
            Notify.Queries.SetWatched(Watch, message.Seq);
        }
    }

    /// <summary>What was only in memory is gone.</summary>
    public void Restart()
    {
        _store.Dispose();
        _store = new RepositoryArtifactStore(_repository);
        Notify = new NotifyRepository(_repository);
    }

    public void Dispose()
    {
        _store.Dispose();
        _repository.Dispose();
    }

    private sealed class Clock(Func<Instant> now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(now().ToDateTime());
    }
}
