using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Sync;

/// <summary>Requests out of the standard input of our program, called <c>fossil</c>.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class StandardInputTests
{
    [Test]
    public void Stock_clones_and_pushes_over_ssh_where_only_our_program_is()
    {
        using var bench = new Workbench("input");
        var there = bench.NewRepository("there.fossil");
        bench.Open(there, "there").Write("a.txt", "one\n").Commit("over there");
        var ours = Path.Combine(bench.Folder.Folder("bin"), "fossil");
        File.CreateSymbolicLink(ours, EdgeSyncProgram.Program);

        // Like sshd: what stands behind the host is a command for a shell, whose fossil is ours.
        bench.Folder.Write(
            "ssh",
            $"""
            #!/bin/sh
            while [ "$1" != -- ]; do shift; done
            shift 2
            cd '{bench.Folder.Path}'
            PATH='{Path.GetDirectoryName(ours)}':$PATH SSH_CONNECTION="10.1.2.3 1 10.1.2.4 22" exec sh -c "$*"

            """);
        File.SetUnixFileMode(bench["ssh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var here = bench["here.fossil"];
        var address = $"ssh://far.example/{there}?fossil={ours}";

        bench.Stock.Run("clone", "--ssh-command", bench["ssh"], address, here);
        bench.Open(here, "here").Write("b.txt", "two\n").Commit("here");
        bench.Stock.Run("push", address, "--ssh-command", bench["ssh"], "-R", here);

        RepositoryComparer.MustBeEqual(here, there, "unclustered");
        using var received = new SqliteFile(there);
        Assert.Equal(1, received.Count("SELECT count(*)>0 FROM rcvfrom WHERE ipaddr='10.1.2.3'"));
        bench.MustBeSound(there);
    }

    [Test]
    public void One_request_gets_one_reply()
    {
        using var bench = new Workbench("input");
        var repository = bench.NewRepository("r.fossil");
        var asked = bench.Ours.StartAs(Called(bench), "http", repository, "--ipaddr", "10.9.8.7") with
        {
            Input = Encoding.ASCII.GetBytes("GET /timeline"),
        };

        var page = asked.Run().MustSucceed().Output;
        var bad = (asked with { Input = Encoding.ASCII.GetBytes("hello\r\n\r\n") }).Run();
        // As a browser would send the login of nobody: a pull needs a capability that nobody lacks here.
        bench.Stock.Run("user", "capabilities", "nobody", "", "-R", repository);
        var refused = (asked with { Input = Post("pull x y\n") }).Run().MustSucceed().Output;

        Assert.StartsWith("HTTP/1.0 404 ", page, StringComparison.Ordinal);
        Assert.Equal(1, bad.ExitCode);
        Assert.StartsWith("HTTP/1.0 200 OK\r\nConnection: close\r\n", refused, StringComparison.Ordinal);
        Assert.Contains("\r\n\r\nerror ", refused, StringComparison.Ordinal);
    }

    private static string Called(Workbench bench)
    {
        var path = Path.Combine(bench.Folder.Folder("bin"), "fossil");
        File.CreateSymbolicLink(path, EdgeSyncProgram.Program);
        return path;
    }

    private static byte[] Post(string message) => Encoding.ASCII.GetBytes(
        $"POST /xfer HTTP/1.0\r\nContent-Type: application/x-fossil-uncompressed\r\n"
        + $"Content-Length: {message.Length}\r\n\r\n{message}");
}
