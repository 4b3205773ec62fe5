using EdgeSync.FleetTests.Fleet;
using EdgeSync.FleetTests.Proxy;
using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Daemons;

/// <summary>A hub and the leaves that join it over one cable, with settings that the fleets do not have.</summary>
internal sealed class DaemonPair : IAsyncDisposable
{
    private readonly List<RunningProgram> _running = [];

    public DaemonPair(string name)
    {
        Folder = new TemporaryFolder(name);
        Program = new EdgeSyncProgram(Folder);
        HubRepository = Folder["hub.fossil"];
        Program.Run("repo", "new", HubRepository, "--user", StockFossil.User);
        Commit("first", 100);
        Program.Run("repo", "user", "update", "nobody", "--cap", FleetEnvironment.Everything, "-R", HubRepository);
        Cable = Proxy.Add("leaf-hub", LeafPort);
    }

    public TemporaryFolder Folder { get; }

    public EdgeSyncProgram Program { get; }

    public FaultProxy Proxy { get; } = new(1);

    public Link Cable { get; }

    public int LeafPort { get; } = Ports.Free();

    public string HubRepository { get; }

    /// <summary>Bytes that do not compress, checked in at the hub.</summary>
    public void Commit(string comment, int byteCount)
    {
        var file = $"{comment}.bin";
        File.WriteAllBytes(Folder[file], new EdgeSync.Primitives.Prng((ulong)byteCount).NextBytes(byteCount));
        Program.Run("repo", "ci", "-R", HubRepository, "-m", comment, "--user", StockFossil.User, "--allow-fork", file);
    }

    public string Copy(string path)
    {
        File.Copy(HubRepository, path);
        return path;
    }

    public string Secret(string name, string text)
    {
        File.WriteAllText(Folder[name], text + "\n");
        File.SetUnixFileMode(Folder[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return Folder[name];
    }

    public RunningProgram Hub(params ReadOnlySpan<string> more)
    {
        var hub = Begin(
            [
                "hub", "serve", "-R", HubRepository, "--http-port", "0", "--nats-leaf-port", $"{LeafPort}", "--poll",
                "2s", "--name", "hub", "--data-dir", Folder["hub"], .. more]);
        Assert.True(Ports.WaitForListener(LeafPort, hub, TimeSpan.FromSeconds(30)), hub.TextSoFar);
        return hub;
    }

    public RunningProgram Leaf(string name, string repository, string scheme, params ReadOnlySpan<string> more) =>
        Begin(
            [
                "leaf", "--repo", repository, "--nats", $"{scheme}://localhost:{Cable.Port}", "--nats-role", "leaf",
                "--poll", "2s", "--name", name, "--data-dir", Folder[name], .. more]);

    public bool Agrees(string repository) => FleetState.Read(HubRepository).Agrees(FleetState.Read(repository));

    public Task UntilAgreesAsync(string repository, TimeSpan patience) => Patience.UntilAsync(
        () => Agrees(repository), patience, () => string.Join('\n', _running.Select(p => p.TextSoFar)),
        pause: TimeSpan.FromMilliseconds(100));

    public async ValueTask DisposeAsync()
    {
        foreach (var program in Enumerable.Reverse(_running)) program.Dispose();
        await Proxy.DisposeAsync();
        Folder.Dispose();
    }

    private RunningProgram Begin(string[] arguments)
    {
        _running.Add(Program.Start([.. arguments, "--log-format", "text"]).Begin());
        return _running[^1];
    }
}
