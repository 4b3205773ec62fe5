using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using EdgeSync.Nats.Keys;
using EdgeSync.Net.Http;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace EdgeSync.Node.Brokers;

/// <summary>
/// A real nats-server as a child process, for features that the embedded broker lacks (JetStream, clusters): its
/// configuration is written from our settings, and it is restarted with backoff when it ends. Its ports are chosen
/// once, so that clients find it again.
/// </summary>
internal sealed class NatsServerChild : IAsyncDisposable
{
    private const string InternalUser = "edgesync-internal";

    private static readonly TimeSpan ReadyMax = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan EndMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StableAfter = TimeSpan.FromMinutes(1);

    private readonly string _program;
    private readonly string _config;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly HttpClient _http = HttpConnections.Client(timeout: TimeSpan.FromSeconds(2));
    private readonly CancellationTokenSource _stop = new();
    private readonly NatsServerPorts _ports;
    private readonly NatsSection _settings;
    private Task _loop = Task.CompletedTask;
    private volatile Process? _process;
    private long _restarts;
    private BrokerStatus _status;

    private NatsServerChild(
        string program, string config, NatsServerPorts ports, NatsSection settings, string name, ILogger log,
        TimeProvider clock)
    {
        (_program, _config, _ports, _settings, _log, _clock) = (program, config, ports, settings, log, clock);
        _status = new BrokerStatus { Kind = "nats-server", ServerName = name };
    }

    public string ClientUrl =>
        $"{(_settings.ServeTls.CertFile is null ? "nats" : "tls")}://{_ports.Host}:{Text(_ports.Client)}";

    public NatsCredentials Credentials { get; private init; } = NatsCredentials.None;

    public int LeafCount => _status.LeafNodes;

    public BrokerStatus Status => _status with { Restarts = Interlocked.Read(ref _restarts) };

    public IEnumerable<KeyValuePair<string, string>> Addresses
    {
        get
        {
            yield return new("nats", ClientUrl);
            if (_ports.Leaf is { } leaf) yield return new("nats-leaf", $"nats-leaf://{_ports.Host}:{Text(leaf)}");
            if (_ports.WebSocket is { } web) yield return new("websocket", $"ws://{_ports.Host}:{Text(web)}");
            yield return new("monitor", $"http://127.0.0.1:{Text(_ports.Monitor)}");
        }
    }

    /// <exception cref="EdgeSyncException">There is no such program, or it does not start.</exception>
    public static async Task<NatsServerChild> StartAsync(
        NatsSection settings, string name, string stateFolder, ILogger log, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var program = settings.Server == "auto" ? FindInPath() : settings.Server!;
        if (!File.Exists(program))
            throw new EdgeSyncException(
                ErrorKind.NotFound, $"{program} does not exist",
                "install nats-server, or name its path: --nats-server PATH");

        NodePaths.CreatePrivate(stateFolder);
        var ports = NatsServerPorts.Choose(settings);
        var secret = settings.Users.Count > 0 ? SystemEntropy.Instance.NextHex(32) : null;
        var config = Path.Combine(stateFolder, "nats-server.conf");
        WritePrivate(config, NatsServerConfig.Write(settings, ports, name, stateFolder, InternalUser, secret));
        var child = new NatsServerChild(program, config, ports, settings, name, log, clock)
        {
            Credentials = secret is null
                ? NatsCredentials.None
                : new NatsCredentials { User = InternalUser, Password = secret },
        };
        try
        {
            EndLeftover(Path.Combine(stateFolder, NatsServerConfig.PidFile), config, log);
            child._loop = Task.Run(child.SuperviseAsync, CancellationToken.None);
            await child.WaitUntilReadyAsync(cancellationToken);
            return child;
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task SuperviseAsync()
    {
        var pause = TimeSpan.FromMilliseconds(250);
        while (!_stop.IsCancellationRequested)
        {
            var begin = _clock.GetTimestamp();
            try
            {
                await RunOnceAsync();
                if (_clock.GetElapsedTime(begin) > StableAfter) pause = TimeSpan.FromMilliseconds(250);
                _log.NatsServerExited(pause.TotalSeconds);
                await Task.Delay(pause, _clock, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            pause = pause * 2 < PauseMax ? pause * 2 : PauseMax;
            Interlocked.Increment(ref _restarts);
        }
    }

    private async Task RunOnceAsync()
    {
        using var process = Process.Start(
            new ProcessStartInfo(
                _program, ["-c", _config])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                RedirectStandardInput = true
            })!;
        _process = process;
        var said = Task.WhenAll(ForwardAsync(process.StandardError), ForwardAsync(process.StandardOutput));
        try
        {
            while (!process.HasExited)
            {
                using var second = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                second.CancelAfter(TimeSpan.FromSeconds(2));
                try
                {
                    await process.WaitForExitAsync(second.Token);
                }
                catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
                {
                    await LookAsync();
                }
            }
        }
        finally
        {
            if (!process.HasExited) await EndAsync(process);
            _process = null;
            await said;
        }
    }

    /// <summary>SIGTERM, then SIGKILL.</summary>
    private static async Task EndAsync(Process process)
    {
        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        using var patience = new CancellationTokenSource(EndMax);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private async Task ForwardAsync(StreamReader lines)
    {
        while (await lines.ReadLineAsync() is { } line)
            _log.NatsServerOutput(
                line.Contains("[ERR]", StringComparison.Ordinal)
                || line.Contains("[FTL]", StringComparison.Ordinal) ? LogLevel.Warning : LogLevel.Debug, line);
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        var begin = _clock.GetTimestamp();
        while (!await LookAsync())
        {
            if (_clock.GetElapsedTime(begin) > ReadyMax || Interlocked.Read(ref _restarts) > 2)
                throw new EdgeSyncException(
                    ErrorKind.System, $"{_program} does not start", $"run {_program} -c {_config}");

            await Task.Delay(TimeSpan.FromMilliseconds(50), _clock, cancellationToken);
        }
    }

    /// <summary>Reads its monitoring port; false without a reply.</summary>
    private async Task<bool> LookAsync()
    {
        try
        {
            using var document = JsonDocument.Parse(
                await _http.GetByteArrayAsync($"http://127.0.0.1:{Text(_ports.Monitor)}/varz", _stop.Token));
            var varz = document.RootElement;
            _status = _status with
            {
                Connections = (int)Number(varz, "connections"),
                LeafNodes = (int)Number(varz, "leafnodes"),
                Subscriptions = Number(varz, "subscriptions"),
                MessagesIn = Number(varz, "in_msgs"),
                MessagesOut = Number(varz, "out_msgs"),
                BytesIn = Number(varz, "in_bytes"),
                BytesOut = Number(varz, "out_bytes"),
                SlowConsumers = Number(varz, "slow_consumers"),
            };
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or OperationCanceledException)
        {
            _stop.Token.ThrowIfCancellationRequested();
            return false;
        }
    }

    // One left by a killed process of ours holds the ports and the streams.
    private static void EndLeftover(string pidFile, string config, ILogger log)
    {
        if (!File.Exists(pidFile)
            || !int.TryParse(
                File.ReadAllText(pidFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return;

        var commandLine = $"/proc/{Text(id)}/cmdline";
        if (!File.Exists(commandLine) || !File.ReadAllText(commandLine).Contains(config, StringComparison.Ordinal))
            return;

        log.NatsServerLeftoverStopped(id);
        using var leftover = Process.GetProcessById(id);
        leftover.Kill();
        leftover.WaitForExit(EndMax);
    }

    private static string FindInPath()
    {
        foreach (var folder in (
            Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin"))
        {
            var path = Path.Combine(folder, "nats-server");
            if (File.Exists(path)) return path;
        }

        throw new EdgeSyncException(
            ErrorKind.NotFound, "nats-server is not in PATH",
            "install it (Debian: apt install nats-server), or name its path: --nats-server PATH");
    }

    private static void WritePrivate(string file, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        File.Delete(file);
        using var writer = new StreamWriter(file, options);
        writer.Write(text);
    }

    private static long Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.TryGetInt64(out var number) ? number : 0;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The ports of a supervised server, picked before it starts.</summary>
internal sealed record NatsServerPorts(string Host, int Client, int? Leaf, int? WebSocket, int Monitor)
{
    public static NatsServerPorts Choose(NatsSection settings)
    {
        var address = ListenAddress.AddressOf(settings.Bind) ?? IPAddress.Loopback;
        var host = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any) ? "0.0.0.0" : address.ToString();
        return new NatsServerPorts(
            host, Pick(settings.ClientPort ?? 0), settings.LeafPort is { } leaf ? Pick(leaf) : null,
            settings.WebsocketPort is { } web ? Pick(web) : null, Pick(settings.MonitorPort ?? 0));
    }

    private static int Pick(int wanted)
    {
        if (wanted != 0) return wanted;

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
