using EdgeSync.InteropTests.Quic;
using EdgeSync.Iroh.Tickets;
using EdgeSync.Net.Relay;
using EdgeSync.Node.Iroh.Diagnostics;
using EdgeSync.Storage;

namespace EdgeSync.InteropTests.Iroh;

/// <summary>Our endpoint and a real one of iroh 1.x, joined by our relay, each in both roles.</summary>
public sealed class EndpointBesideIrohTests
{
    private static IrohRelay? _relay;

    private static CancellationToken Cancellation => TestContext.Current!.Execution.CancellationToken;

    private static string Url => _relay!.Url;

    [Before(HookType.Class)]
    public static async Task StartAsync() => _relay = await IrohRelay.StartAsync(
        new IrohRelayOptions(), SystemEntropy.Instance, TimeProvider.System, CancellationToken.None);

    [After(HookType.Class)]
    public static async Task StopAsync() => await _relay!.DisposeAsync();

    [Before(HookType.Test)]
    public void Require() => IrohPeer.Require();

    [Test]
    public async Task Everything_goes_through_the_relay_to_a_real_endpoint()
    {
        var (program, ticket) = await IrohPeer.ListenAsync(Cancellation, $"relay={Url}", "ways=relay");
        using var listener = program;
        var options = new IrohTestOptions { RelayOnly = true };

        var echo = await new TestDialer(options, ticket, _ => { }).EchoAsync(50, 10_000, 10, Cancellation);
        var sink = await new TestDialer(options, ticket, _ => { }).SinkAsync(1 << 20, Cancellation);
        var source = await new TestDialer(options, ticket, _ => { }).SourceAsync(1 << 20, Cancellation);

        Assert.All([echo, sink, source], r => Assert.True(r.Ok, string.Join(" | ", r.Errors ?? [])));
        Assert.All([echo, sink, source], r => Assert.All(r.Paths!, p => Assert.True(p.Relay)));
    }

    [Test]
    [Arguments("echo", "count=50 size=10000 parallel=10")]
    [Arguments("sink", "bytes=1048576")]
    [Arguments("source", "bytes=1048576")]
    public void Everything_comes_through_the_relay_from_a_real_endpoint(string verb, string words)
    {
        using var ours = new TestListener(new IrohTestOptions { RelayOnly = true, Relays = [Url] }, _ => { }).Serving();

        var result = IrohPeer.Dial(verb, ours.Ticket, [$"relay={Url}", .. words.Split(' ')]);

        Assert.True(IrohPeer.IsOk(result), result.ToString());
        Assert.Empty(EndpointTicket.Parse(ours.Ticket).Direct);
    }

    [Test]
    [Arguments("relay")]
    [Arguments("both")]
    public async Task A_connection_to_a_real_endpoint_becomes_direct(string ways)
    {
        var (program, ticket) = await IrohPeer.ListenAsync(Cancellation, $"relay={Url}", $"ways={ways}");
        using var listener = program;
        var lines = new List<IrohTestLine>();

        var result = await new PeerPing(new IrohTestOptions { Relays = [Url] }, ticket, lines.Add)
            .RunAsync(TimeSpan.FromSeconds(60), Cancellation);

        Assert.Equal((true, "direct"), (result.Ok, result.Route));
        Assert.Equal("direct", lines[^1].Route);
        Assert.True(result.Paths!.Single(p => p.Selected) is { Relay: false });
    }

    [Test]
    public void A_connection_of_a_real_endpoint_becomes_direct()
    {
        using var ours = new TestListener(new IrohTestOptions { Relays = [Url] }, _ => { }).Serving();
        var address = EndpointTicket.Parse(ours.Ticket);
        var ticket = EndpointTicket.Format(new(address.Id, address.Relays));

        var result = IrohPeer.Dial("hold", ticket, $"relay={Url}");

        Assert.True(IrohPeer.IsOk(result), result.ToString());
    }
}
