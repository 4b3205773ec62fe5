using System.Net;
using System.Net.Sockets;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Http;

/// <summary>
/// Counts failed logins by address (an IPv6 network counts as one) in a leaky bucket: each failure adds one, and one leaks
/// out in every <c>memory / failuresMax</c>. A full bucket means "wait". Knows no clock; not thread-safe.
/// </summary>
internal sealed class LoginThrottle(int failuresMax, TimeSpan memory)
{
    // A flood from many addresses must not grow this without end; dropping the emptiest is what hurts least.
    private const int AddressesMax = 4096;

    private readonly Dictionary<IPAddress, Bucket> _buckets = [];
    private readonly TimeSpan _leak = memory / failuresMax;

    /// <summary>How long the address has to wait; zero if it need not.</summary>
    public TimeSpan WaitOf(IPAddress address, Instant now)
    {
        if (!_buckets.TryGetValue(KeyOf(address), out var bucket)) return TimeSpan.Zero;

        // Full when the level, after leaking, leaves no room for one more failure.
        var wait = bucket.EmptyAt - now - (_leak * (failuresMax - 1));
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    public void OnFailure(IPAddress address, Instant now)
    {
        var key = KeyOf(address);
        var from = _buckets.TryGetValue(key, out var bucket) && bucket.EmptyAt > now ? bucket.EmptyAt : now;
        if (!_buckets.ContainsKey(key) && _buckets.Count >= AddressesMax) MakeRoom(now);
        _buckets[key] = new Bucket(from + _leak);
    }

    /// <summary>A login that succeeds forgives the address.</summary>
    public void OnSuccess(IPAddress address) => _buckets.Remove(KeyOf(address));

    private void MakeRoom(Instant now)
    {
        foreach (var (key, bucket) in _buckets)
        {
            if (bucket.EmptyAt <= now) _buckets.Remove(key);
        }

        if (_buckets.Count >= AddressesMax) _buckets.Remove(_buckets.MinBy(p => p.Value.EmptyAt).Key);
    }

    private static IPAddress KeyOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }

    /// <param name="EmptyAt">When the last failure will have leaked out.</param>
    private readonly record struct Bucket(Instant EmptyAt);
}
