using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

public sealed class DoctorTests
{
    [Test]
    public void A_sound_repository_on_a_sound_machine_is_healthy()
    {
        using var edgesync = Project();

        var report = edgesync.Json("doctor", "-R", "hub.fossil");

        Assert.Equal(0, report.GetProperty("failed").GetInt32());
        foreach (var name in (string[])[
            "repository:hub.fossil", "integrity:hub.fossil", "writable:hub.fossil", "clock", "secrets", "fossil"])
            Assert.Equal("ok", StateOf(report, name));

        // Daemons that other tests killed may have left sockets: a warning, and none of ours.
        Assert.Matches("=== [0-9]+ passed, [01] warnings, 0 failed ===\n$", edgesync.Ok("doctor", "-R", "hub.fossil"));
    }

    [Test]
    public void A_damaged_file_is_named_with_what_to_do()
    {
        using var edgesync = Project();
        var bytes = File.ReadAllBytes(edgesync["hub.fossil"]);
        bytes.AsSpan(8 * 1024, 100 * 1024).Fill(0x5a);
        File.WriteAllBytes(edgesync["hub.fossil"], bytes);

        var outcome = edgesync.Try("doctor", "-R", "hub.fossil");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Matches("FAIL  (integrity|repository):hub.fossil: .+\n      try: ", outcome.Output);
    }

    [Test]
    public void A_check_that_fails_ends_with_1_and_stays_one_object()
    {
        using var edgesync = Project();

        var outcome = edgesync.Try("doctor", "-R", "nowhere.fossil", "--json");

        Assert.Equal(1, outcome.ExitCode);
        using var report = JsonDocument.Parse(outcome.Output);
        Assert.Equal("failed", report.RootElement.GetProperty("status").GetString());
        Assert.Equal("failed", StateOf(report.RootElement, "repository:nowhere.fossil"));
    }

    [Test]
    [Arguments("*", "", true)]
    [Arguments("127.0.0.1", "", false)]
    [Arguments("*", """, "users": [ { "user": "ship", "password": "x" } ]""", false)]
    public void A_broker_without_users_on_every_address_is_a_warning(string bind, string users, bool isOpen)
    {
        using var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil");
        edgesync.Write("edgesync.json", $$"""{ "nats": { "bind": "{{bind}}", "leaf_port": 0 {{users}} }, "repositories": [ { "path": "a.fossil" } ] }""");

        using var report = System.Text.Json.JsonDocument.Parse(
            edgesync.Try("doctor", "--config", "edgesync.json", "--json").Output);

        var checks = report.RootElement.GetProperty("checks").EnumerateArray()
            .Where(c => c.GetProperty("name").GetString() == "broker access").ToList();
        Assert.Equal(isOpen, checks.Count == 1);
        if (isOpen) Assert.Contains("nats.users", checks[0].GetProperty("hint").GetString(), StringComparison.Ordinal);
    }

    [Test]
    public void A_client_port_is_distinguished_from_a_leafnode_port()
    {
        using var edgesync = Project();
        using var client = new OneLineServer(
            """INFO {"server_id":"S","server_name":"one","version":"2.10.1","max_payload":1048576,"client_id":5}""");
        using var leaf = new OneLineServer("""INFO {"server_id":"S","server_name":"two","version":"2.10.1","max_payload":1048576,"client_id":6,"leafnode_urls":[]}""");

        string[] urls = [
            $"nats://127.0.0.1:{client.Port}", $"nats-leaf://127.0.0.1:{client.Port}", $"nats://127.0.0.1:{leaf.Port}",
            $"nats-leaf://127.0.0.1:{leaf.Port}"];
        var outcome = edgesync.Try(
            ["doctor", "-R", "hub.fossil", "--json", .. urls.SelectMany(u => (string[])["--nats", u])]);

        using var report = JsonDocument.Parse(outcome.Output);
        Assert.Equal(["ok", "failed", "failed", "ok"], urls.Select(u => StateOf(report.RootElement, "nats:" + u)));
        Assert.Contains("this is a client port", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("this is a leafnode port", outcome.Output, StringComparison.Ordinal);
    }

    [Test]
    public void A_server_that_is_not_NATS_is_reported()
    {
        using var edgesync = Project();
        using var other = new OneLineServer("SSH-2.0-OpenSSH_9.2");

        var outcome = edgesync.Try(
            "doctor", "-R", "hub.fossil", "--nats", $"nats://127.0.0.1:{other.Port}", "--nats",
            $"nats://127.0.0.1:{Ports.Free()}");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("not a NATS server: \"SSH-2.0-OpenSSH_9.2", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("Connection refused", outcome.Output, StringComparison.Ordinal);
    }

    [Test]
    public void A_port_of_our_own_leaf_passes_and_one_of_another_program_fails()
    {
        using var edgesync = Project();
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        using var stranger = new OneLineServer("hello");

        edgesync.Variables["LEAF_SERVE_HTTP"] = new Uri(leaf.Url).Authority;
        var ours = edgesync.Json("doctor", "-R", "hub.fossil", "--peer", leaf.Url);
        edgesync.Variables["LEAF_SERVE_HTTP"] = $"127.0.0.1:{stranger.Port}";
        var theirs = edgesync.Try("doctor", "-R", "hub.fossil");

        Assert.Equal("ok", StateOf(ours, "port:http"));
        Assert.Equal("ok", StateOf(ours, "peer:" + leaf.Url));
        Assert.Equal("ok", StateOf(ours, "clock:" + leaf.Url));
        Assert.Contains(
            $"FAIL  port:http: another program listens on 127.0.0.1:{stranger.Port}", theirs.Output,
            StringComparison.Ordinal);
    }

    [Test]
    public void A_secret_that_others_can_read_fails()
    {
        using var edgesync = Project();
        var secret = edgesync.Write("token.txt", "s3cret\n");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        edgesync.Variables["LEAF_NATS_TOKEN_FILE"] = secret;

        var outcome = edgesync.Try("doctor", "-R", "hub.fossil");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("FAIL  secret:nats.login.token_file: ", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", outcome.Output + outcome.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void Leftovers_are_warnings()
    {
        using var edgesync = Project();
        edgesync.Write("hub.fossil.part", "");

        var outcome = edgesync.Try("doctor", "-R", "hub.fossil");

        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("WARN  clone:hub.fossil: ", outcome.Output, StringComparison.Ordinal);
    }

    private static EdgeSyncProgram Project()
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "hub.fossil");
        edgesync.Variables["XDG_STATE_HOME"] = edgesync["state"];
        edgesync.Variables["XDG_RUNTIME_DIR"] = edgesync.Folder;
        return edgesync;
    }

    private static string? StateOf(JsonElement report, string name) => report.GetProperty("checks").EnumerateArray()
        .Where(c => c.GetProperty("name").GetString() == name)
        .Select(c => c.GetProperty("state").GetString())
        .SingleOrDefault();

    /// <summary>Sends one line to each client, and closes after the first reply.</summary>
    private sealed class OneLineServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _loop;

        public OneLineServer(string line)
        {
            _listener.Start();
            _loop = Task.Run(async () =>
            {
                try
                {
                    while (true)
                    {
                        using var client = await _listener.AcceptTcpClientAsync();
                        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"));
                        _ = await client.GetStream().ReadAsync(new byte[1000]);
                    }
                }
                catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
                {
                    // The end of the test.
                }
            });
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose()
        {
            _listener.Stop();
            _loop.GetAwaiter().GetResult();
        }
    }
}
