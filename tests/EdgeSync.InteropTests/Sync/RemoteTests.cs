using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Sync;

/// <summary>Peers as stock keeps them: remotes with names, and the setting <c>proxy</c>.</summary>
public sealed class RemoteTests
{
    [Test]
    public void A_remote_that_stock_named_is_a_peer_with_its_password()
    {
        using var bench = new Workbench("remote");
        var here = bench.NewRepository("here.fossil");
        var there = bench["there.fossil"];
        File.Copy(here, there);
        bench.Open(there, "there").Write("a.txt", "one\n").Commit("there 1");
        using (var server = bench.Stock.Serve(here))
        {
            bench.Stock.Run("remote", "add", "work", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "-R", there);
            bench.Ours.Run("repo", "push", "work", "-R", there);
            bench.Ours.Run("repo", "pull", "work", "-R", there);
            bench.Ours.Run("repo", "sync", "default", "-R", there);
            Assert.Contains(server.Port.ToString(CultureInfo.InvariantCulture), bench.Stock.Run("remote", "-R", there).Output, StringComparison.Ordinal);
            bench.Stock.Run("sync", "-R", there);
        }

        RepositoryComparer.MustBeEqual(here, there, "unclustered");
        bench.MustBeSound(here);
    }

    [Test]
    public void A_name_that_no_remote_has_is_a_usage_error()
    {
        using var bench = new Workbench("remote");

        Assert.Equal(2, bench.Ours.Try("repo", "sync", "work", "-R", bench.NewRepository("here.fossil")).ExitCode);
    }

    [Test]
    public async Task The_setting_proxy_is_used_before_the_environment()
    {
        using var bench = new Workbench("remote");
        var here = bench.NewRepository("here.fossil");
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        bench.Stock.Run("settings", "proxy", $"http://127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}/", "-R", here);
        var asked = FirstLineAsync(proxy);

        bench.Ours.Try("repo", "sync", "http://peer.invalid/project", "-R", here).MustFail();
        proxy.Stop();   // who was never asked must not wait

        Assert.Equal("POST http://peer.invalid/project HTTP/1.1", await asked);
    }

    private static async Task<string?> FirstLineAsync(TcpListener proxy)
    {
        using var connection = await proxy.AcceptTcpClientAsync(TestContext.Current!.Execution.CancellationToken);
        using var reader = new StreamReader(connection.GetStream());
        var first = await reader.ReadLineAsync(TestContext.Current!.Execution.CancellationToken);
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        return first;
    }
}
