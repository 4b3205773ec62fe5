using EdgeSync.Primitives;

namespace EdgeSync.Nats.Client;

/// <summary>The servers to try, and which is next. Configured ones stay for ever; learned ones come and go with INFO.</summary>
internal sealed class ServerPool
{
    private readonly List<NatsServer> _servers = [];
    private readonly Prng _prng;
    private readonly bool _shuffle;

    public ServerPool(IEnumerable<NatsServer> configured, bool shuffle, Prng prng)
    {
        foreach (var server in configured)
            if (!Contains(server.Address)) _servers.Add(server);
        (_shuffle, _prng) = (shuffle, prng);
        if (shuffle) prng.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_servers));
    }

    public int Count => _servers.Count;

    /// <summary>From URLs with commas between.</summary>
    /// <exception cref="EdgeSyncException">One of them is no URL, or there is none.</exception>
    public static ServerPool Parse(string urls, bool shuffle, Prng prng)
    {
        var servers = urls.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(NatsServer.Parse).ToArray();
        return servers.Length > 0
            ? new ServerPool(servers, shuffle, prng)
            : throw new EdgeSyncException(ErrorKind.Usage, "No NATS server is named.", "give a URL like nats://host:4222");
    }

    /// <summary>The one that we are connected to, or try.</summary>
    public NatsServer Current => _servers[0];

    /// <summary>Puts the current one last, so that all others are tried before it.</summary>
    public void Rotate()
    {
        var current = _servers[0];
        _servers.RemoveAt(0);
        _servers.Add(current);
    }

    /// <summary>Takes over what a server said about its cluster. The current one keeps its place, whatever the list says.</summary>
    public void Learn(IReadOnlyList<string> addresses)
    {
        if (addresses.Count == 0) return;

        for (var i = _servers.Count - 1; i > 0; i--)
            if (_servers[i].IsLearned && !addresses.Contains(_servers[i].Address)) _servers.RemoveAt(i);

        var grew = false;
        foreach (var address in addresses)
        {
            if (_servers.Count >= CountMax || Current.TryLearn(address) is not { } server || Contains(server.Address)) continue;
            _servers.Add(server);
            grew = true;
        }

        if (grew && _shuffle) _prng.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_servers)[1..]);
    }

    // A cluster has a handful of servers; a hostile list must not grow without end.
    private const int CountMax = 256;

    private bool Contains(string address) => _servers.Exists(server => server.Address == address);
}
