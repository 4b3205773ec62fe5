using System.Net;
using System.Net.Sockets;
using EdgeSync.Primitives;

namespace EdgeSync.FleetTests.Proxy;

/// <summary>One of the two ways through a link.</summary>
internal enum Direction
{
    /// <summary>From the dialling side.</summary>
    Up,

    /// <summary>From the dialled side.</summary>
    Down,
}

/// <summary>
/// A named cable: a loopback port that leads to another one. It can be pulled, made deaf one way or both ways, slowed
/// down, and its connections can be reset, at once or in the middle of what they are saying. Every act is logged.
/// </summary>
/// <remarks>
/// Three sorts of silence, because programs must survive each: <see cref="Cut"/> answers with a reset, as a host
/// without the service does; <see cref="Stall"/> answers nothing, as a pulled cable does, so that only a timeout
/// notices it;
/// <see cref="Reset"/> ends what is open and lets the next attempt pass.
/// </remarks>
internal sealed class Link : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly HashSet<LinkConnection> _open = [];
    private readonly FaultLog _log;
    private readonly Task _accepting;
    private bool _isCut;

    public Link(string name, int targetPort, Prng prng, FaultLog log)
    {
        (Name, TargetPort, _log) = (name, targetPort, log);
        Up = new LinkHalf(new Shaper(prng.Fork()));
        Down = new LinkHalf(new Shaper(prng.Fork()));
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public string Name { get; }

    /// <summary>Where to dial instead of the target.</summary>
    public int Port { get; }

    public int TargetPort { get; }

    public LinkHalf Up { get; }

    public LinkHalf Down { get; }

    public int OpenConnections
    {
        get
        {
            lock (_open) return _open.Count;
        }
    }

    public bool IsHealthy => !_isCut && Up.Latch.IsOpen && Down.Latch.IsOpen;

    /// <summary>Connections that were let through since the beginning.</summary>
    public int Accepted { get; private set; }

    internal FaultLog Log => _log;

    public LinkHalf Of(Direction direction) => direction == Direction.Up ? Up : Down;

    /// <summary>Resets what is open and refuses what comes, until <see cref="Heal"/>.</summary>
    public void Cut()
    {
        _log.Add(Name, "cut");
        _isCut = true;
        CloseAll();
    }

    /// <summary>Nothing passes one way, or both ways; neither side gets an event.</summary>
    public void Stall(Direction? only = null)
    {
        _log.Add(Name, only is { } way ? $"stall {way.ToString().ToLowerInvariant()}" : "stall");
        if (only != Direction.Down) Up.Latch.Shut();
        if (only != Direction.Up) Down.Latch.Shut();
    }

    /// <summary>Resets what is open; the next attempt passes.</summary>
    public void Reset()
    {
        _log.Add(Name, $"reset of {OpenConnections}");
        CloseAll();
    }

    /// <summary>
    /// Lets that many more bytes pass, then resets every connection: in the middle of a message, most likely.
    /// </summary>
    public void ResetAfter(Direction direction, int byteCount)
    {
        _log.Add(Name, $"reset after {byteCount} B {direction.ToString().ToLowerInvariant()}");
        Of(direction).ResetAfter(byteCount);
    }

    public void Shape(LinkProfile profile)
    {
        _log.Add(Name, $"shape {profile}");
        Up.Shape(profile);
        Down.Shape(profile);
    }

    /// <summary>More delay on each way.</summary>
    public void Delay(TimeSpan oneWay)
    {
        _log.Add(Name, $"delay {oneWay.TotalMilliseconds:0} ms");
        Up.Delay(oneWay);
        Down.Delay(oneWay);
    }

    /// <summary>Undoes everything but the profile.</summary>
    public void Heal()
    {
        _log.Add(Name, "heal");
        _isCut = false;
        foreach (var way in new[] { Up, Down })
        {
            way.Delay(TimeSpan.Zero);
            way.ForgetReset();
            way.Latch.Open();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Stop();
        CloseAll();
        await _accepting;
        _ending.Dispose();
        _listener.Dispose();
    }

    internal void CloseAll()
    {
        LinkConnection[] all;
        lock (_open) all = [.. _open];
        foreach (var connection in all) connection.Reset();
    }

    /// <summary>Accepts until the end, and then waits for every connection it began.</summary>
    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_ending.Token);
                connections.RemoveAll(task => task.IsCompleted);
                if (_isCut) LinkConnection.Abort(socket);
                else connections.Add(CarryAsync(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The link is being disposed.
        }

        await Task.WhenAll(connections);
    }

    private async Task CarryAsync(Socket dialler)
    {
        using var connection = new LinkConnection(this, dialler);
        lock (_open)
        {
            _open.Add(connection);
            Accepted++;
        }

        try
        {
            await connection.RunAsync(_ending.Token);
        }
        finally
        {
            lock (_open) _open.Remove(connection);
        }
    }
}
