using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Storage;
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
            bench.Stock.Run(
                "remote", "add", "work", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "-R", there);
            bench.Ours.Run("repo", "push", "work", "-R", there);
            bench.Ours.Run("repo", "pull", "work", "-R", there);
            bench.Ours.Run("repo", "sync", "default", "-R", there);
            Assert.Contains(
                server.Port.ToString(CultureInfo.InvariantCulture), bench.Stock.Run("remote", "-R", there).Output,
                StringComparison.Ordinal);
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
    [Arguments("")]
    [Arguments("file://")]
    public void A_repository_file_is_a_peer_in_both_directions(string scheme)
    {
        using var bench = new Workbench("remote");
        var here = bench.NewRepository("here.fossil");
        var stick = bench["stick one+two.fossil"];
        bench.Ours.Run("repo", "clone", scheme + here, stick);
        bench.Open(stick, "there").Write("a.txt", "one\n").Commit("on the stick");
        bench.Open(here, "here").Write("b.txt", "two\n").Commit("here", "--allow-fork", "--branch", "side");

        bench.Ours.Run("repo", "sync", Named(scheme, stick), "-R", here);

        RepositoryComparer.MustBeEqual(here, stick, "unclustered");
        bench.MustBeSound(here);
        bench.MustBeSound(stick);

        // Either program finds the other's remembered peer again.
        bench.Stock.Run("sync", "-R", here);
        bench.Stock.Run("sync", "-R", stick, "--once", "file://" + here);
        bench.Ours.Run("repo", "sync", "-R", here);
    }

    [Test]
    public void What_a_file_peer_receives_is_recorded_under_its_owner()
    {
        using var bench = new Workbench("remote");
        var here = bench.NewRepository("here.fossil");
        var stick = bench["stick.fossil"];
        bench.Ours.Run("repo", "clone", here, stick);
        bench.Open(here, "here").Write("b.txt", "two\n").Commit("here");

        bench.Ours.Run("repo", "push", stick, "-R", here);

        using var peer = Repository.Open(stick, RepositoryOptions.ReadOnly);
        var owner = peer.Database.QueryText(
            "SELECT login FROM rcvfrom JOIN user USING(uid) ORDER BY rcvid DESC LIMIT 1");
        Assert.Equal(
            peer.Database.QueryText("SELECT login FROM user WHERE cap LIKE '%s%' ORDER BY uid LIMIT 1"), owner);
    }

    [Test]
    public void A_repository_file_of_another_project_and_the_repository_itself_are_refused()
    {
        using var bench = new Workbench("remote");
        var here = bench.NewRepository("here.fossil");
        var other = bench.NewRepository("other.fossil");
        File.CreateSymbolicLink(bench["link.fossil"], here);

        Assert.Equal(5, bench.Ours.Try("repo", "sync", other, "-R", here).ExitCode);
        Assert.Equal(2, bench.Ours.Try("repo", "sync", here, "-R", here).ExitCode);
        Assert.Equal(2, bench.Ours.Try("repo", "sync", bench["link.fossil"], "-R", here).ExitCode);
        Assert.Equal(2, bench.Ours.Try("repo", "sync", bench["nothing.fossil"], "-R", here).ExitCode);

        bench.MustBeSound(here);
        bench.MustBeSound(other);
    }

    [Test]
    [Arguments(true)]
    [Arguments(false)]
    public void A_peer_is_reached_through_ssh(bool isAbsolute)
    {
        using var bench = new Workbench("remote");
        var there = bench.NewRepository("over there.fossil");
        var slash = isAbsolute ? "/" : "";
        var address = $"ssh://bob@far.example:2222{slash}{PathOf(there, isAbsolute)}?fossil={StockFossil.Program}";
        SaySshIs(bench, there);
        var here = bench["here.fossil"];
        bench.Ours.Run("repo", "clone", there, here);
        SaySshIs(bench, here);
        bench.Open(there, "there").Write("a.txt", "one\n").Commit("over there");
        bench.Open(here, "here").Write("b.txt", "two\n").Commit("here", "--allow-fork", "--branch", "side");

        bench.Ours.Run("repo", "sync", address, "-R", here);

        RepositoryComparer.MustBeEqual(here, there, "unclustered");
        Assert.Equal(
            "-e none -p 2222 -T -- bob@far.example", File.ReadAllLines(bench["ssh.log"])[0]);
        bench.MustBeSound(here);
        bench.MustBeSound(there);
    }

    [Test]
    public async Task A_leaf_keeps_in_sync_with_a_peer_behind_ssh()
    {
        using var bench = new Workbench("remote");
        var there = bench.NewRepository("over there.fossil");
        var here = bench["here.fossil"];
        bench.Ours.Run("repo", "clone", there, here);
        SaySshIs(bench, here);
        bench.Open(there, "there").Write("a.txt", "one\n").Commit("over there");
        var address = $"ssh://bob@far.example/{PathOf(there, isAbsolute: true)}?fossil={StockFossil.Program}";

        using (var leaf = bench.Ours.Serve(here, "--peer", address, "--push", "--poll", "100ms"))
            await leaf.UntilAsync(() => CheckIns(here) == CheckIns(there));

        RepositoryComparer.MustBeEqual(here, there, "unclustered");
    }

    [Test]
    public void A_failed_ssh_connection_reports_the_reason()
    {
        using var bench = new Workbench("remote");
        var here = bench.NewRepository("here.fossil");
        File.WriteAllText(bench["ssh"], "#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 255\n");
        MakeExecutable(bench["ssh"]);
        bench.Ours.Run("repo", "config", "set", "ssh-command", bench["ssh"], "-R", here);

        var ended = bench.Ours.Try("repo", "sync", "ssh://far.example/x.fossil", "-R", here);

        Assert.Equal(7, ended.ExitCode);
        Assert.Contains("Permission denied (publickey).", ended.Errors, StringComparison.Ordinal);
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

    private static long CheckIns(string repository)
    {
        using var file = new SqliteFile(repository);
        return file.Count("SELECT count(*) FROM event WHERE type='ci'");
    }

    private static string Named(string scheme, string path) =>
        scheme.Length == 0 ? path : scheme + path.Replace("+", "%2B", StringComparison.Ordinal);

    private static string PathOf(string file, bool isAbsolute) =>
        (isAbsolute ? file : "/" + Path.GetFileName(file)).Replace(" ", "%20", StringComparison.Ordinal);

    // Like sshd: the words behind the host, joined, are a command for a shell in the user's folder.
    private static void SaySshIs(Workbench bench, string repository)
    {
        File.WriteAllText(
            bench["ssh"],
            $"""
            #!/bin/sh
            options=
            while [ "$1" != -- ]; do options="$options $1"; shift; done
            echo $options -- "$2" >> '{bench["ssh.log"]}'
            shift 2
            cd '{bench.Folder.Path}'
            SSH_CONNECTION="127.0.0.1 1 127.0.0.1 22" exec sh -c "$*"

            """);
        MakeExecutable(bench["ssh"]);
        bench.Ours.Run("repo", "config", "set", "ssh-command", $"{bench["ssh"]} -e none", "-R", repository);
    }

    private static void MakeExecutable(string path)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static async Task<string?> FirstLineAsync(TcpListener proxy)
    {
        using var connection = await proxy.AcceptTcpClientAsync(TestContext.Current!.Execution.CancellationToken);
        using var reader = new StreamReader(connection.GetStream());
        var first = await reader.ReadLineAsync(TestContext.Current!.Execution.CancellationToken);
        await connection.GetStream()
            .WriteAsync(
                Encoding.ASCII.GetBytes("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        return first;
    }
}
