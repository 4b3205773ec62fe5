using System.Text;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Net.Nats;
using EdgeSync.Net.Nats.Leafnodes;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// The hubs of our broker, each with a link of its own, which is reconnected until it is removed.
/// </summary>
/// <param name="changed">A link came up (true) or down, with the node id at its other end. On the broker's
/// threads.</param>
internal sealed class NatsUplinks(
    NatsBroker broker, ILogger log, TimeProvider clock, Action<bool, string> changed) : IAsyncDisposable
{
    // Replaced as a whole, so that readers need no lock.
    private volatile List<Uplink> _all = [];

    public bool Any => _all.Count > 0;

    public IReadOnlyList<NatsUplinkStatus> Status => [.. _all.Select(u => u.Status)];

    /// <summary>The nodes at the other ends of the connected ones.</summary>
    public IEnumerable<string> Names => _all.Select(u => u.UpName).OfType<string>();

    /// <summary>
    /// The changes after which exactly those hubs are joined: missing links are added, others removed, and the rest
    /// stays.
    /// </summary>
    /// <exception cref="EdgeSyncException">A file is missing, a credential is malformed; nothing has changed
    /// yet.</exception>
    public Func<Task> Prepare(IReadOnlyList<NatsRemote> wanted)
    {
        var all = new List<Uplink>();
        var fresh = new List<Uplink>();
        foreach (var remote in wanted)
        {
            var key = KeyOf(remote);
            if (_all.FirstOrDefault(u => u.Key == key && !all.Contains(u)) is { } same)
            {
                all.Add(same);
                continue;
            }

            fresh.Add(new Uplink(key, remote, log, clock, changed));
            all.Add(fresh[^1]);
        }

        return async () =>
        {
            var gone = _all.Except(all).ToList();
            _all = all;

            // A hub accepts a second link of one name only after the first is closed.
            foreach (var uplink in gone) await uplink.LeaveAsync();
            foreach (var uplink in fresh) uplink.Join(broker);
        };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var uplink in _all) await uplink.DisposeAsync();
    }

    /// <summary>Changed settings, or changed contents of their files, make another link.</summary>
    public static string KeyOf(NatsRemote remote)
    {
        var hasher = new ArtifactHasher(HashKind.Sha3);
        hasher.Append(Encoding.UTF8.GetBytes(SettingsJson.Write(remote)));
        var (login, tls) = (remote.Login, remote.Tls);
        foreach (var secret in (string?[])[
            login.PasswordFile, login.TokenFile, login.NkeyFile, login.CredsFile, tls.KeyFile])
        {
            if (secret is not null) hasher.Append(Encoding.UTF8.GetBytes(Secrets.ReadFile(secret)));
        }

        foreach (var certificate in (string?[])[tls.CaFile, tls.CertFile])
        {
            if (File.Exists(certificate)) hasher.Append(File.ReadAllBytes(certificate));
        }

        return hasher.Finish().ToString();
    }

    private sealed class Uplink : IAsyncDisposable
    {
        private const string Mode = "leafnode";

        private readonly LeafnodeRemote _remote;
        private readonly LeafnodeDialing _dialing;
        private readonly IReadOnlyList<NatsAddress> _addresses;
        private readonly ILogger _log;
        private readonly TimeProvider _clock;
        private readonly Action<bool, string> _changed;
        private LeafnodeHandle? _handle;
        private volatile string? _upName;
        private string? _whyNot;
        private long _ups;
        private volatile bool _isLeft;

        public Uplink(string key, NatsRemote settings, ILogger log, TimeProvider clock, Action<bool, string> changed)
        {
            (Key, _log, _clock, _changed) = (key, log, clock, changed);
            _addresses = [
                .. settings.Urls.Select(
                    u => NatsAddress.TryParse(
                        u, out var address, out var fault) ? address : throw new EdgeSyncException(ErrorKind.Usage,
                        fault))];
            _remote = new LeafnodeRemote
            {
                Urls = [.. _addresses.Select(a => a.LeafUrl)],
                Credentials = NatsLogins.LoginOf(settings.Login)
            };
            _remote.Check();
            _dialing = new LeafnodeDialing
            {
                Tls = NatsLogins.LeafTlsOf(settings.Tls, _addresses),
                TlsFirst = settings.Tls.First,
                OnChanged = OnChanged
            };
        }

        public string Key { get; }

        public string? UpName => _upName;

        public NatsUplinkStatus Status
        {
            get
            {
                var status = _handle?.Status;
                var isUp = status is { IsConnected: true };
                var ups = Interlocked.Read(ref _ups);
                return new NatsUplinkStatus(
                    status is { Address.Length: > 0 }
                    ? status.Address
                    : _addresses[0].ToString(), isUp ? "connected"
                    : ups > 0 ? "reconnecting"
                    : "connecting",
                    status?.PeerName, status?.PeerVersion, Math.Max(0, ups - 1), isUp ? null : status?.LastError);
            }
        }

        public void Join(NatsBroker broker)
        {
            foreach (var address in _addresses) _log.NatsConnecting(address.ToString(), Mode);
            _handle = broker.AddRemote(_remote, _dialing);
        }

        public async ValueTask DisposeAsync()
        {
            _isLeft = true;
            if (_handle is not null) await _handle.DisposeAsync();
        }

        /// <summary>Removes one link; the others stay.</summary>
        public async Task LeaveAsync()
        {
            await DisposeAsync();
            if (_upName is not { } name) return;

            _upName = null;
            _log.NatsLeft(_addresses[0].ToString(), name);
            _changed(false, name);
        }

        // On the broker's threads: only record it.
        private void OnChanged(LeafRemoteStatus status)
        {
            if (_isLeft) return;
            if (status.IsConnected == (_upName is not null))
            {
                LogFailure(status);
                return;
            }

            _whyNot = status.LastError;
            if (status.IsConnected)
            {
                _upName = status.PeerName;
                Interlocked.Increment(ref _ups);
                _log.NatsConnected(status.Address, status.PeerName, Mode);
                _changed(true, status.PeerName);
                return;
            }

            var name = _upName!;
            _upName = null;
            _log.NatsDisconnected(status.Address, status.LastError, Mode);
            _changed(false, name);
        }

        // Each reason once, not with each attempt: a wrong password stays wrong.
        private void LogFailure(LeafRemoteStatus status)
        {
            if (status.IsConnected || string.IsNullOrEmpty(status.LastError) || status.LastError == _whyNot) return;

            _whyNot = status.LastError;
            _log.NatsUnreachable(
                LogLevel.Warning, status.Address, status.LastError, RetryIn(status),
                NatsHint.For(status.Address, status.LastError));
        }

        private double? RetryIn(LeafRemoteStatus status) => status.NextTry is { } next
            ? Math.Max(0, (next - Instant.FromDateTime(_clock.GetUtcNow())).TotalSeconds)
            : null;
    }
}
