using System.Net.Sockets;
using System.Text;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

public sealed class ReadyTests
{
    [Test]
    public void A_daemon_that_does_its_work_is_ready()
    {
        using var edgesync = Project();
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        var address = new Uri(leaf.Url).Authority;

        Assert.Equal("repository: ok\ndisk: ok\n", edgesync.Ok("ready", address));
        edgesync.Variables["LEAF_SERVE_HTTP"] = address;
        Assert.True(edgesync.Json("ready").GetProperty("ready").GetBoolean());
    }

    [Test]
    public void An_unreachable_server_is_unavailable()
    {
        using var edgesync = Project();

        var outcome = edgesync.Try("ready", $":{Ports.Free()}");

        Assert.Equal(7, outcome.ExitCode);
        Assert.Contains("does not answer", outcome.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void A_daemon_without_a_port_is_queried_over_its_control_socket()
    {
        using var edgesync = Project();
        Assert.Equal(3, edgesync.Try("ready", "-R", "hub.fossil").ExitCode);
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "hub.fossil", "--nats-leaf-port", "0", RunningNode.WithoutWeb);

        Assert.Contains("repository: ok\n", edgesync.Ok("ready", "-R", "hub.fossil"), StringComparison.Ordinal);
        Assert.True(edgesync.Json("ready", "-R", "hub.fossil").GetProperty("ready").GetBoolean());
        Assert.Equal(2, edgesync.Try("ready", "-R", "hub.fossil", "--agreed", "soon").ExitCode);
        Assert.Equal(3, edgesync.Try("ready", "-R", "other.fossil").ExitCode);
    }

    [Test]
    public void The_watchdog_of_systemd_is_fed()
    {
        using var edgesync = Project();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(edgesync["notify"]));
        socket.ReceiveTimeout = 30_000;
        edgesync.Variables["NOTIFY_SOCKET"] = edgesync["notify"];
        edgesync.Variables["WATCHDOG_USEC"] = "200000";

        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        var buffer = new byte[1000];
        string[] said = [
            .. Enumerable.Range(0, 3).Select(_ => Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer)))];
        leaf.Stop();

        Assert.StartsWith("READY=1\n", said[0], StringComparison.Ordinal);
        Assert.Equal(["WATCHDOG=1", "WATCHDOG=1"], said[1..]);
    }

    private static EdgeSyncProgram Project()
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "hub.fossil");
        return edgesync;
    }
}
