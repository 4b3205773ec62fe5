namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>A link that brings more than a local subscriber takes.</summary>
public sealed class LeafPauseTests
{
    private static readonly string Message = $"LMSG a 900\r\n{new string('x', 900)}\r\n";

    private readonly LeafNode _node = new("ours", options: o => o with { PauseBytes = 1000 });
    private readonly ScriptedPeer _peer;
    private readonly ScriptedPeer _client;

    public LeafPauseTests()
    {
        _peer = _node.AcceptLeaf();
        _peer.Ask("""CONNECT {"version":"2.9.10","name":"leaf","cluster":"leaf","headers":true}""" + "\r\n");
        _client = _node.Client();
        _client.Send("SUB a 1\r\n");
        _node.HoldsOutput = true;
        _peer.Send(Message);
    }

    [Test]
    public void The_link_pauses_for_a_slow_reader()
    {
        Assert.False(IsToPause);

        _peer.Send(Message);

        Assert.True(IsToPause);
        _node.Core.OutputSent(_client.Connection, 1500, _node.Now);
        Assert.False(IsToPause);
    }

    [Test]
    public void It_does_not_pause_for_a_stopped_reader()
    {
        _peer.Send(Message);
        _node.Advance(TimeSpan.FromMilliseconds(60));

        Assert.False(IsToPause);
    }

    [Test]
    public void It_does_not_pause_for_a_closed_connection()
    {
        _peer.Send(Message);
        _client.Cut();

        Assert.False(IsToPause);
    }

    private bool IsToPause => _node.Core.IsToPause(_peer.Connection, _node.Now);
}
