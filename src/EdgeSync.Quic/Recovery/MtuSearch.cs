using EdgeSync.Primitives;

namespace EdgeSync.Quic.Recovery;

/// <summary>
/// Finds the largest datagram that a route carries, by probes that may be lost. Spec: RFC 8899, RFC 9000 §14.3.
/// </summary>
/// <remarks>
/// Most routes end at what Ethernet carries: up to there the search halves. Only where all of that arrives the largest
/// size is tried, once, and nothing between.
/// </remarks>
internal sealed class MtuSearch
{
    /// <summary>What every route of QUIC carries.</summary>
    public const int Base = 1200;

    /// <summary>What Ethernet carries over IPv6.</summary>
    public const int Ethernet = 1452;

    private const int LossesMax = 3;

    /// <summary>Steps smaller than this are not worth a probe.</summary>
    private const int StepMin = 20;

    /// <summary>Full datagrams in a row that were lost before the route counts as a black hole.</summary>
    private const int BlackHoleLosses = 4;

    private static readonly TimeSpan CoolDown = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ReProbe = TimeSpan.FromSeconds(600);

    private int _maximum = Base;
    private int _upper = Base;
    private int _losses;
    private int _fullLosses;
    private bool _isProbing;
    private bool _isBeyondEthernet;

    /// <summary>Bytes of the largest datagram that is known to arrive.</summary>
    public int Current { get; private set; } = Base;

    /// <summary>When a new search begins, if none is going on.</summary>
    public Instant? NextSearch { get; private set; }

    /// <summary>Begins, once the peer's limit is known.</summary>
    public void Start(int maximum)
    {
        _maximum = Math.Max(Base, maximum);
        Restart();
    }

    /// <summary>The size of a probe that is due, or 0.</summary>
    public int NextProbe(Instant now)
    {
        if (now >= NextSearch)
        {
            NextSearch = null;
            Restart();
        }

        if (_isProbing || NextSearch is not null || Current >= _upper) return 0;
        if (_isBeyondEthernet) return _upper;
        return _upper - Current <= 2 * StepMin ? _upper : (Current + _upper) / 2;
    }

    public void OnProbeSent() => _isProbing = true;

    public void OnProbeAcked(Instant now, int bytes)
    {
        (_isProbing, _losses) = (false, 0);
        Current = Math.Max(Current, bytes);
        EndSearch(now, StepMin);
    }

    public void OnProbeLost(Instant now, int bytes)
    {
        _isProbing = false;
        if (++_losses < LossesMax) return;
        (_upper, _losses) = (_isBeyondEthernet ? Current : bytes - 1, 0);
        // What is left to find is not worth three losses for each size.
        EndSearch(now, 2 * StepMin);
    }

    /// <summary>The verdict on a probe will never be known.</summary>
    public void OnProbeForgotten() => _isProbing = false;

    public void OnAcked(int bytes)
    {
        if (bytes > Base) _fullLosses = 0;
    }

    /// <summary>A datagram other than a probe was lost.</summary>
    public void OnLost(Instant now, int bytes)
    {
        if (bytes <= Base || ++_fullLosses < BlackHoleLosses) return;
        _fullLosses = 0;
        (Current, _upper) = (Base, Base);
        NextSearch = now + CoolDown;
    }

    private void Restart()
    {
        (_upper, _losses, _isBeyondEthernet) = (Math.Min(_maximum, Math.Max(Current, Ethernet)), 0, false);
        GoBeyondEthernet();
    }

    private bool GoBeyondEthernet()
    {
        if (_isBeyondEthernet || Current < Ethernet || Current >= _maximum) return false;
        (_upper, _isBeyondEthernet) = (_maximum, true);
        return true;
    }

    private void EndSearch(Instant now, int step)
    {
        if (_upper - Current >= step || GoBeyondEthernet()) return;
        _upper = Current;
        NextSearch = now + ReProbe;
    }
}
