using EdgeSync.Primitives;

namespace EdgeSync.Quic.Recovery;

/// <summary>The congestion window of a route, in bytes. Spec: RFC 9438, RFC 9002 §7.</summary>
internal sealed class Cubic(int datagramBytes)
{
    private const double Beta = 0.7;
    private const double C = 0.4;

    /// <summary>Reno-friendly growth: 3 (1 - beta) / (1 + beta) (RFC 9438 §4.3).</summary>
    private const double Alpha = 3 * (1 - Beta) / (1 + Beta);

    private double _window = Math.Min(10 * datagramBytes, Math.Max(14_720, 2 * datagramBytes));
    private double _windowMax;
    private double _renoWindow;
    private double _k;
    private Instant? _epoch;
    private Instant? _recoveryStart;

    /// <summary>Bytes that may be in flight.</summary>
    public long Window => (long)_window;

    public long Threshold { get; private set; } = long.MaxValue;

    public long InFlight { get; private set; }

    public bool IsInSlowStart => _window < Threshold;

    /// <summary>Bytes of the largest datagram; larger ones after an MTU search raise the minimum.</summary>
    public int DatagramBytes { get; set; } = datagramBytes;

    private double WindowMin => 2.0 * DatagramBytes;

    public bool CanSend(int bytes) => InFlight + bytes <= Window;

    public void OnSent(int bytes) => InFlight += bytes;

    /// <summary>Bytes left the network without a verdict: their keys were dropped, or they were an MTU probe.</summary>
    public void Forget(int bytes) => InFlight -= bytes;

    /// <param name="isLimited">Whether the window was what kept the sender from sending more (RFC 9002 §7.8).</param>
    public void OnAcked(Instant now, int bytes, Instant sentAt, TimeSpan rtt, bool isLimited)
    {
        InFlight -= bytes;
        if (sentAt <= _recoveryStart || !isLimited) return;
        if (IsInSlowStart)
        {
            _window += bytes;
            return;
        }

        Grow(now, bytes, rtt);
    }

    /// <summary>
    /// Packets were lost, or marked by the network: one reduction for each round trip (RFC 9002 §7.3.2).
    /// </summary>
    public void OnCongestion(Instant now, Instant sentAt)
    {
        if (sentAt <= _recoveryStart) return;
        _recoveryStart = now;
        // Fast convergence: a flow that shrinks leaves room (RFC 9438 §4.7).
        _windowMax = _window < _windowMax ? _window * (1 + Beta) / 2 : _window;
        _window = Math.Max(_window * Beta, WindowMin);
        Threshold = (long)_window;
        _epoch = null;
    }

    /// <summary>Nothing came through for a long time (RFC 9002 §7.6.2).</summary>
    public void OnPersistentCongestion()
    {
        _window = WindowMin;
        (_recoveryStart, _epoch) = (null, null);
    }

    private void Grow(Instant now, int bytes, TimeSpan rtt)
    {
        if (_epoch is null)
        {
            _epoch = now;
            _renoWindow = _window;
            _windowMax = Math.Max(_windowMax, _window);
            _k = Math.Cbrt((_windowMax - _window) / DatagramBytes / C);
        }

        var elapsed = (now - _epoch.Value).TotalSeconds;
        _renoWindow += Alpha * DatagramBytes * bytes / _window;
        var current = CubicAt(elapsed);
        if (current < _renoWindow)
        {
            _window = Math.Max(_window, _renoWindow);
            return;
        }

        var target = Math.Clamp(CubicAt(elapsed + rtt.TotalSeconds), _window, 1.5 * _window);
        _window += (target - _window) * bytes / _window;
    }

    private double CubicAt(double seconds)
    {
        var t = seconds - _k;
        return (C * t * t * t * DatagramBytes) + _windowMax;
    }
}
