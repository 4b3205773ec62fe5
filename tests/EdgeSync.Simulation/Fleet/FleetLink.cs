using EdgeSync.Primitives;

namespace EdgeSync.Simulation.Fleet;

/// <summary>One end of a stream, as its owner sees it.</summary>
internal interface IStreamEnd
{
    void OnBytes(byte[] bytes);

    /// <summary>So many bytes of ours have arrived over there.</summary>
    void OnSent(int bytes);

    void OnClosed();
}

/// <summary>
/// A cable between two machines: its profile, and what a fault does to it. While a direction is stalled its bytes wait,
/// as TCP's do: no event is sent, and when it moves again all arrive. A cut ends every stream at once.
/// </summary>
internal sealed class FleetLink(string name, LinkProfile profile, FleetClock clock, Prng prng)
{
    private readonly List<FleetStream> _streams = [];

    public string Name => name;

    public LinkProfile Profile => profile;

    public bool IsCut { get; private set; }

    public bool[] IsStalled { get; } = [false, false];

    public bool IsLossless { get; set; }

    public long Bytes { get; private set; }

    public FleetStream Open(IStreamEnd dialler, IStreamEnd listener)
    {
        var stream = new FleetStream(this, clock, dialler, listener);
        _streams.Add(stream);
        return stream;
    }

    public void Cut(bool isCut)
    {
        IsCut = isCut;
        if (!isCut) return;

        foreach (var stream in _streams.ToList()) stream.Close();
    }

    public void Stall(int direction, bool isStalled)
    {
        IsStalled[direction] = isStalled;
        if (isStalled) return;

        foreach (var stream in _streams.ToList()) stream.Release(direction);
    }

    public void Forget(FleetStream stream) => _streams.Remove(stream);

    /// <summary>When bytes that are sent now arrive: line time, way, and one more round trip for each loss.</summary>
    public TimeSpan Delay(int bytes)
    {
        Bytes += bytes;
        var delay = profile.OneWay + profile.TimeFor(bytes);
        if (IsLossless || profile.Loss == 0) return delay;

        var packets = 1 + (bytes / 1400);
        for (var i = 0; i < Math.Min(packets, 20); i++)
            if (prng.Chance(profile.Loss))
                delay += profile.OneWay * 2;
        return delay;
    }
}

/// <summary>A stream both ways: bytes keep their order, and arrive whole or not at all.</summary>
internal sealed class FleetStream(FleetLink link, FleetClock clock, IStreamEnd dialler, IStreamEnd listener)
{
    private readonly IStreamEnd[] _ends = [dialler, listener];
    private readonly Queue<byte[]>[] _held = [new(), new()];
    private readonly Instant[] _lastArrival = new Instant[2];

    public bool IsClosed { get; private set; }

    /// <summary>Sends from one end (0: the dialling one) to the other.</summary>
    public void Send(int from, byte[] bytes)
    {
        if (IsClosed) return;

        if (link.IsStalled[from]) _held[from].Enqueue(bytes);
        else Launch(from, bytes);
    }

    /// <summary>Both ends get the close after what was sent before.</summary>
    public void Close()
    {
        if (IsClosed) return;

        IsClosed = true;
        link.Forget(this);
        foreach (var end in _ends) clock.After(TimeSpan.Zero, end.OnClosed);
    }

    /// <summary>This end goes: the other reads what is on its way, then the end.</summary>
    public void CloseFrom(int end)
    {
        if (IsClosed) return;

        IsClosed = true;
        link.Forget(this);
        var at = _lastArrival[end] > clock.Now ? _lastArrival[end] : clock.Now + link.Profile.OneWay;
        clock.At(at, _ends[1 - end].OnClosed);
    }

    public void Release(int from)
    {
        while (!IsClosed && _held[from].TryDequeue(out var bytes)) Launch(from, bytes);
    }

    private void Launch(int from, byte[] bytes)
    {
        var at = clock.Now + link.Delay(bytes.Length);
        if (at < _lastArrival[from]) at = _lastArrival[from];
        _lastArrival[from] = at;
        var wasClosed = IsClosed;
        clock.At(at, () =>
        {
            // A direction that was stalled meanwhile holds what is on the way.
            if (link.IsCut || wasClosed) return;
            if (link.IsStalled[from] && !IsClosed)
            {
                _held[from].Enqueue(bytes);
                return;
            }

            _ends[1 - from].OnBytes(bytes);
            if (!IsClosed) _ends[from].OnSent(bytes.Length);
        });
    }
}
