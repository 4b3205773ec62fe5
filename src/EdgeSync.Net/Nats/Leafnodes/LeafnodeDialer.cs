using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Net.Nats.Transports;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Nats.Leafnodes;

/// <summary>
/// The loop of one remote: waits as long as <see cref="LeafSolicitor"/> requires, opens a stream, runs the handshake up
/// to a possible TLS upgrade, and then serves the link until it ends.
/// </summary>
internal sealed class LeafnodeDialer : IDisposable
{
    /// <summary>Changes of other links may shorten the wait.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(2);

    private readonly BrokerDriver _driver;
    private readonly LeafSolicitor _solicitor;
    private readonly LeafnodeDialing _dialing;
    private readonly Func<BrokerPump, Task> _serve;
    private readonly CancellationTokenSource _stopping = new();
    private CancellationTokenSource _pause = new();

    /// <param name="driver">Of the broker.</param>
    /// <param name="remote">The hub.</param>
    /// <param name="dialing">How to connect.</param>
    /// <param name="serve">Serves a connection to its end.</param>
    public LeafnodeDialer(
        BrokerDriver driver, LeafnodeRemote remote, LeafnodeDialing dialing, Func<BrokerPump, Task> serve)
    {
        _driver = driver;
        _dialing = dialing;
        _serve = serve;
        _solicitor = driver.Call((core, now) => new LeafSolicitor(core, remote, now));
    }

    public LeafRemoteStatus Status => _driver.Call((_, _) => _solicitor.Status());

    public void DialNow() => _driver.Call((_, now) =>
    {
        _solicitor.DialNow(now);
        return _pause;
    }).Cancel();

    public void Stop()
    {
        _driver.Call((_, _) =>
        {
            _solicitor.Stop();
            return true;
        });
        _stopping.Cancel();
    }

    /// <summary>Completes when it is stopped.</summary>
    public async Task RunAsync()
    {
        // The caller continues at once.
        await Task.Yield();
        while (await WaitForTurnAsync())
        {
            Report();
            await DialAsync();
            Report();
        }

        Dispose();
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _pause.Dispose();
    }

    private void Report() => _dialing.OnChanged?.Invoke(Status);

    /// <summary>False when it was stopped.</summary>
    private async Task<bool> WaitForTurnAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var (pause, wait) = _driver.Call((_, now) =>
            {
                if (_pause.IsCancellationRequested) _pause = new CancellationTokenSource();
                return (_pause, _solicitor.NextDial is { } next ? next - now : (TimeSpan?)null);
            });
            if (wait is null) return false;
            if (wait <= TimeSpan.Zero) return true;

            using var either = CancellationTokenSource.CreateLinkedTokenSource(pause.Token, _stopping.Token);
            await Task.Delay(wait < LongestSleep ? wait.Value : LongestSleep, _driver.Clock, either.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return false;
    }

    private async Task DialAsync()
    {
        var url = _driver.Call((_, _) => _solicitor.NextDial is null ? null : _solicitor.Begin());
        if (url is null) return;

        StreamTransport transport;
        bool isTls;
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token))
        {
            patience.CancelAfter(_solicitor.Remote.ConnectTimeout);
            try
            {
                (var stream, isTls) = await LeafnodeStreams.OpenAsync(url, _dialing, patience.Token);
                transport = new StreamTransport(stream);
            }
            catch (Exception e) when (IsExpected(e))
            {
                DialFailed(
                    e is OperationCanceledException ? $"no connection within "
                        + $"{_solicitor.Remote.ConnectTimeout.TotalSeconds:0} s" : e.Message);
                return;
            }
        }

        await ServeAsync(url, transport, isTls);
    }

    private async Task ServeAsync(Uri url, StreamTransport transport, bool isTls)
    {
        var origin = new ConnectionOrigin
        {
            Kind = ConnectionKind.Leaf,
            Transport = LeafUrl.IsWebSocket(url) ? ConnectionTransport.WebSocket : ConnectionTransport.Tcp,
            Address = _dialing.PeerName ?? url.DnsSafeHost,
            Port = LeafUrl.PortOf(url),
            IsTls = isTls,
        };
        var wantsTls = LeafUrl.IsTls(url) || _dialing.Tls is not null;
        var pump = new BrokerPump(_driver, transport, (_, now) => _solicitor.Connected(url, wantsTls, origin, now));
        try
        {
            // Who speaks first sends by the pump, and never adds TLS.
            if (!_solicitor.Remote.SpeaksFirst) await ReadFirstLineAsync(pump.Connection, transport.Stream);
            if (_solicitor.NeedsTls)
            {
                transport.Stream = await SecureAsync(transport.Stream, url, origin);
                _driver.Call((_, now) =>
                {
                    if (_solicitor.NeedsTls) _solicitor.OnSecured(now);
                    return true;
                });
            }
        }
        catch (Exception e) when (IsExpected(e))
        {
            _driver.Call((core, now) =>
            {
                _solicitor.Note(e is OperationCanceledException ? "the handshake took too long" : e.Message);
                core.Detach(
                    pump.Connection, _solicitor.NeedsTls ? CloseReason.TlsHandshakeFailure : CloseReason.ReadError,
                    now);
                return true;
            });
        }

        ReportWhenUp(pump);
        await _serve(pump);
        _driver.Call((_, now) =>
        {
            _solicitor.Ended(now);
            return true;
        });
    }

    // A hub sends nothing after its INFO before our CONNECT, so that all bytes up to there are read here.
    private async Task ReadFirstLineAsync(BrokerConnection link, Stream stream)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        patience.CancelAfter(_solicitor.Remote.FirstInfoTimeout + TimeSpan.FromSeconds(1));
        var buffer = new byte[4096];
        while (_solicitor.IsAwaitingInfo)
        {
            var size = await stream.ReadAsync(buffer, patience.Token);
            if (size == 0) throw new IOException("the hub closed the connection before INFO");

            _driver.Receive(link, buffer.AsSpan(0, size));
        }
    }

    private async Task<Stream> SecureAsync(Stream stream, Uri url, ConnectionOrigin origin)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        patience.CancelAfter(_solicitor.Remote.ConnectTimeout);
        var secured = await LeafnodeStreams.SecureAsync(stream, url, _dialing, patience.Token);
        origin.TlsVersion = ((System.Net.Security.SslStream)secured).SslProtocol is SslProtocols.Tls12 ? "1.2" : "1.3";
        return secured;
    }

    /// <summary>The first output after the handshake is interest, which wakes the pump.</summary>
    private void ReportWhenUp(BrokerPump pump)
    {
        if (_dialing.OnChanged is null) return;

        var isReported = 0;
        pump.Woken = () =>
        {
            if (_solicitor.IsUp && Interlocked.Exchange(ref isReported, 1) == 0) Report();
        };
        pump.Woken();
    }

    private void DialFailed(string error) => _driver.Call((_, now) =>
    {
        _solicitor.DialFailed(error, now);
        return true;
    });

    private static bool IsExpected(Exception e) =>
        e is IOException or SocketException or AuthenticationException or OperationCanceledException
        or WebSocketException
            or ObjectDisposedException or EdgeSyncException;
}
