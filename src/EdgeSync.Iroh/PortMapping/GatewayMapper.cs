using System.Diagnostics.CodeAnalysis;
using EdgeSync.Primitives;
using EdgeSync.Quic;

namespace EdgeSync.Iroh.PortMapping;

/// <summary>
/// Has a UDP port mapped by a router that speaks PCP or NAT-PMP, and renews it.
/// <code>
/// Receive(now, answer), OnDeadline ─▶ core ─▶ TryTakeRequest    datagrams to port 5351 of the router
///                                          ─▶ Mapped, IsRefused
/// </code>
/// PCP is tried first; a router that does not answer to it, or refuses, is asked by NAT-PMP. Requests are repeated
/// after 250 ms, doubling; four without an answer are a refusal.
/// </summary>
public sealed class GatewayMapper
{
    /// <summary>The port of routers.</summary>
    public const int Port = 5351;

    private const int TriesMax = 4;
    private const uint LifetimeSeconds = 7200;

    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(250);

    /// <summary>A router that grants less is not asked more often.</summary>
    private static readonly TimeSpan LifetimeMin = TimeSpan.FromMinutes(2);

    private readonly UInt128 _client;
    private readonly ushort _internal;
    private readonly byte[] _nonce;
    private readonly Queue<byte[]> _requests = new();
    private bool _usesPcp = true;
    private uint? _address;
    private int _tries;

    /// <param name="client">The address of this machine on the way to the router, and the port to be mapped.</param>
    public GatewayMapper(UdpAddress client, Prng prng, Instant now)
    {
        ArgumentNullException.ThrowIfNull(prng);
        (_client, _internal) = (client.Bits, client.Port);
        _nonce = prng.NextBytes(Pcp.NonceBytes);
        Ask(now);
    }

    /// <summary>What the router granted; null before, and when it was lost.</summary>
    public MappedPort? Mapped { get; private set; }

    /// <summary>The router grants nothing, or does not answer: nothing more is sent.</summary>
    public bool IsRefused { get; private set; }

    /// <summary>When <see cref="OnDeadline"/> is due; null: never.</summary>
    public Instant? Deadline { get; private set; }

    public bool TryTakeRequest([NotNullWhen(true)] out byte[]? request) => _requests.TryDequeue(out request);

    /// <summary>Takes a datagram of the router; what is not a reply is skipped.</summary>
    public void Receive(Instant now, ReadOnlySpan<byte> answer)
    {
        if (IsRefused || _tries == 0) return;
        if (_usesPcp)
        {
            if (Pcp.ReadMap(answer, _nonce, _internal) is { } map)
                Grant(now, new UdpAddress(map.Address, map.ExternalPort), map.LifetimeSeconds);
            else if (Pcp.IsRefusal(answer)) Fail(now);
            return;
        }

        if (NatPmp.ReadAddress(answer) is { } address) _address = address;
        else if (_address is { } known && NatPmp.ReadMap(answer, _internal) is { } map)
            Grant(now, new UdpAddress(((UInt128)0xffff << 32) | known, map.ExternalPort), map.LifetimeSeconds);
        else if (NatPmp.IsRefusal(answer)) Fail(now);
    }

    public void OnDeadline(Instant now)
    {
        if (Deadline is not { } deadline || deadline > now) return;
        if (_tries >= TriesMax) Fail(now);
        else Ask(now);
    }

    /// <summary>The datagram that gives the port back; null when there is none.</summary>
    public byte[]? Release()
    {
        if (Mapped is not { } mapped) return null;
        (Mapped, Deadline, IsRefused) = (null, null, true);
        return _usesPcp
            ? Pcp.MapRequest(_client, _nonce, _internal, mapped.External.Port, 0)
            : NatPmp.MapRequest(_internal, 0, 0);
    }

    private void Ask(Instant now)
    {
        var wished = Mapped?.External.Port ?? _internal;
        if (_usesPcp) _requests.Enqueue(Pcp.MapRequest(_client, _nonce, _internal, wished, LifetimeSeconds));
        else
        {
            // The address may have changed since; its answer comes first, or with the next try.
            _requests.Enqueue(NatPmp.AddressRequest());
            _requests.Enqueue(NatPmp.MapRequest(_internal, wished, LifetimeSeconds));
        }

        Deadline = now + (FirstWait * (1 << _tries++));
    }

    private void Grant(Instant now, UdpAddress external, uint lifetimeSeconds)
    {
        if (external.IsUnspecified || external.Port == 0 || lifetimeSeconds == 0)
        {
            Fail(now);
            return;
        }

        var lifetime = TimeSpan.FromSeconds(Math.Min(lifetimeSeconds, LifetimeSeconds));
        if (lifetime < LifetimeMin) lifetime = LifetimeMin;
        Mapped = new MappedPort(external, _usesPcp ? "pcp" : "nat-pmp", lifetime);
        _tries = 0;
        Deadline = now + (lifetime / 2);
    }

    private void Fail(Instant now)
    {
        _tries = 0;
        if (Mapped is null && _usesPcp)
        {
            _usesPcp = false;
            Ask(now);
            return;
        }

        // A router without the mapping, after a restart, gets the first request again from the caller.
        (Mapped, Deadline, IsRefused) = (null, null, true);
    }
}
