using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Hostile;

/// <summary>The shipped program as a leaf with all ports of its broker open; one for all hostile clients.</summary>
public sealed class BrokerFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new("hostile");
    private readonly RunningProgram _program;

    public BrokerFixture()
    {
        var edgesync = new EdgeSyncProgram(_folder);
        edgesync.Run("repo", "new", _folder["leaf.fossil"]);
        (ClientPort, LeafPort, WebSocketPort, HttpPort) = (Ports.Free(), Ports.Free(), Ports.Free(), Ports.Free());
        _program = edgesync.Start(
            "leaf", "--repo", _folder["leaf.fossil"], "--serve-http", $"127.0.0.1:{HttpPort}", "--nats-client-port",
            $"{ClientPort}",
            "--nats-leaf-port", $"{LeafPort}", "--nats-websocket-port", $"{WebSocketPort}", "--name", "hostile",
            "--data-dir", _folder["data"]).Begin();
        foreach (var port in new[] { ClientPort, LeafPort, WebSocketPort, HttpPort })
            if (!Ports.WaitForListener(port, _program, TimeSpan.FromSeconds(30)))
                throw new InvalidOperationException($"the broker does not listen: {_program.TextSoFar}");
    }

    public int ClientPort { get; }

    public int LeafPort { get; }

    public int WebSocketPort { get; }

    public int HttpPort { get; }

    public bool IsAlive => !_program.HasEnded;

    internal string Log => _program.TextSoFar;

    /// <summary>Memory that the program holds now, in MB.</summary>
    public double MemoryMb
    {
        get
        {
            foreach (var line in File.ReadLines($"/proc/{_program.Id}/status"))
                if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
                    return long.Parse(
                        line.AsSpan(6, line.Length - 6 - 2).Trim(),
                        System.Globalization.CultureInfo.InvariantCulture) / 1024.0;
            throw new InvalidOperationException("no VmRSS");
        }
    }

    public void Dispose()
    {
        _program.Dispose();
        _folder.Dispose();
    }
}
