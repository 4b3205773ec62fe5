using System.Net;
using System.Net.Sockets;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

/// <summary>
/// The lines that a daemon prints work, on one machine and on two; what is not there yet is waited for.
/// </summary>
public sealed class FirstUseOfTheNetworkTests
{
    [Test]
    public async Task The_printed_line_joins_from_another_machine()
    {
        using var edgesync = Project(out var code);
        using var machines = new TwoMachines();

        using var first = edgesync.BeginDaemon(machines.On(
                1, "leaf", "--repo", "a.fossil", "--name", "first", "--nats-leaf-port", "7422", "--nats-bind", "*"));
        var lines = await first.ReadUntilAsync("or --nats ");
        Assert.Contains(
            lines,
            l => l.Contains(
                $"--nats nats-leaf://{Dns.GetHostName()}:7422 --clone-from nats --project {code}",
                StringComparison.Ordinal));
        Assert.Contains($"nats-leaf://{TwoMachines.FirstAddress}:7422", lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("[::]", string.Join('\n', lines), StringComparison.Ordinal);

        // As typed with the address of the second line.
        using var second = edgesync.BeginDaemon(machines.On(
            2, "leaf", "--repo", "b.fossil", "--name", "second", "--nats",
            $"nats-leaf://{TwoMachines.FirstAddress}:7422", "--clone-from", "nats", "--project", code));
        await second.ReadUntilAsync("syncs b.fossil");

        Assert.Equal(
            edgesync.Ok("repo", "ls", "tip", "-R", "a.fossil"), edgesync.Ok("repo", "ls", "tip", "-R", "b.fossil"));
    }

    [Test]
    public async Task A_leaf_on_IPv6_loopback_is_cloned_by_the_line_that_it_prints()
    {
        Skip.Unless(Socket.OSSupportsIPv6, "this kernel has no IPv6");
        using var edgesync = Project(out _);
        using var leaf = edgesync.BeginDaemon(
            EdgeSyncProgram.Program, "leaf", "--repo", "a.fossil", "--serve-http", "[::1]:0");

        var line = (await leaf.ReadUntilAsync(" clone "))[^1].Trim();

        Assert.StartsWith("edgesync repo clone http://[::1]:", line, StringComparison.Ordinal);
        edgesync.Ok([.. line.Split(' ')[1..]]);
        edgesync.Ok("repo", "verify", "-R", "copy.fossil");
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task A_leaf_retries_its_first_clone_until_the_hub_is_up(bool overNats)
    {
        using var edgesync = Project(out var code);
        var (web, nats) = (FreePort(), FreePort());
        string[] from = overNats
            ? ["--clone-from", "nats", "--nats", $"nats-leaf://127.0.0.1:{nats}", "--project", code]
            : ["--clone-from", $"http://127.0.0.1:{web}/"];
        var port = FreePort();
        using var leaf = edgesync.BeginDaemon(
            [
                EdgeSyncProgram.Program, "leaf", "--repo", "b.fossil", "--name", "b",
                "--serve-http", $"127.0.0.1:{port}", .. from,
            ]);
        using var http = new HttpClient();

        var ready = await UntilAsync(
            () => GetAsync(http, $"http://127.0.0.1:{port}/readyz"),
            text => text.Contains("cloning:b: ", StringComparison.Ordinal));
        Assert.DoesNotContain(code, ready, StringComparison.Ordinal);   // no subject: a person knows the server
        Assert.Contains(overNats ? $"127.0.0.1:{nats}" : $"127.0.0.1:{web}", ready, StringComparison.Ordinal);
        Assert.Contains(
            "\"state\": \"cloning\"", await GetAsync(http, $"http://127.0.0.1:{port}/status"),
            StringComparison.Ordinal);
        Assert.False(leaf.HasEnded);

        using var hub = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--name", "a", "--serve-http", $"127.0.0.1:{web}",
            "--nats-leaf-port", $"{nats}");
        await leaf.ReadUntilAsync("syncs b.fossil");

        Assert.Contains(
            "\nrepository: ok\n", "\n" + await GetAsync(http, $"http://127.0.0.1:{port}/readyz") + "\n",
            StringComparison.Ordinal);
        edgesync.Ok("repo", "verify", "-R", "b.fossil");
    }

    [Test]
    public void A_definite_refusal_ends_with_its_exit_code()
    {
        using var edgesync = Project(out _);
        edgesync.Ok("repo", "user", "update", "nobody", "--cap", "", "-R", "a.fossil");
        using var hub = new RunningLeaf(edgesync, "a.fossil");
        var secret = edgesync.Write("secret", "wrong\n");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead);

        var outcome = edgesync.Try(
            "leaf", "--repo", "b.fossil", "--clone-from", hub.Url, "--user", "tester", "--password-file", "secret",
            "--serve-http", "127.0.0.1:0");

        Assert.Equal(6, outcome.ExitCode);
        Assert.Equal(
            5,
            edgesync.Try(
                "leaf", "--repo", "a.fossil", "--project", new string('a', 40), "--serve-http", "127.0.0.1:0")
                .ExitCode);
    }

    [Test]
    public async Task Pages_for_this_machine_are_not_shown_under_a_foreign_name_or_through_any_proxy()
    {
        using var edgesync = Project(out _);
        edgesync.Write("edgesync.json", """{ "http": { "hosts": [ "box.local" ] } }""");
        using var leaf = new RunningLeaf(edgesync, "a.fossil", "--config", "edgesync.json");
        using var http = new HttpClient();

        foreach (var (header, value) in ((string, string)[])[
            ("Host", "evil.example"), ("Host", "evil.example:8080"), ("Via", "1.1 proxy"), ("X-Real-IP", "192.0.2.7"),
            ("Forwarded", "for=192.0.2.7")])
            Assert.Equal(HttpStatusCode.Forbidden, await StatusWithAsync(header, value));
        foreach (var name in (string[])["localhost:1234", "127.0.0.1", "[::1]:80", "box.local:8080"])
            Assert.Equal(HttpStatusCode.OK, await StatusWithAsync("Host", name));

        async Task<HttpStatusCode> StatusWithAsync(string header, string value)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, leaf.Url + "/status");
            request.Headers.TryAddWithoutValidation(header, value);
            using var response = await http.SendAsync(request, TestContext.Current!.Execution.CancellationToken);
            return response.StatusCode;
        }
    }

    [Test]
    public void A_control_socket_replaces_a_socket_and_nothing_else()
    {
        using var edgesync = Project(out _);
        var path = edgesync.Write("notes.txt", "mine\n");

        var outcome = edgesync.Try(
            "leaf", "--repo", "a.fossil", "--serve-http", "127.0.0.1:0", "--control-socket", path);

        Assert.Equal(5, outcome.ExitCode);
        Assert.Equal("mine\n", File.ReadAllText(path));

        var socket = edgesync["left.sock"];
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(socket + ".tmp"));
            File.Move(socket + ".tmp", socket);   // the runtime removes what it bound under the name that it knows
        }

        using var leaf = new RunningLeaf(edgesync, "a.fossil", "--control-socket", socket);
        Assert.StartsWith("http://", leaf.Url, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("--tls-cert", "cert.pem", "--tls-key", "key.pem")]
    [Arguments("--nats-serve-cert", "cert.pem", "--nats-serve-key", "key.pem")]
    [Arguments("--password-file", "key.pem", "--user", "bob")]
    [Arguments("--config", "with-password.json")]
    public void A_secret_that_others_can_read_is_refused_with_the_command_that_mends_it(params string[] arguments)
    {
        using var edgesync = Project(out _);
        edgesync.Write("cert.pem", "x");
        edgesync.Write("with-password.json", """{ "nats": { "login": { "password": "secret" } } }""");
        var file = arguments.Contains("--config") ? "with-password.json" : "key.pem";
        File.SetUnixFileMode(
            edgesync.Write(file, File.Exists(edgesync[file]) ? File.ReadAllText(edgesync[file]) : "x"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        var outcome = edgesync.Try(
            ["leaf", "--repo", "a.fossil", "--serve-http", "127.0.0.1:0", "--nats-leaf-port", "0", .. arguments]);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains($"chmod 600 {file}", outcome.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void A_password_file_of_a_command_must_be_private_too()
    {
        using var edgesync = Project(out _);
        File.SetUnixFileMode(
            edgesync.Write("pw", "secret\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        var outcome = edgesync.Try(
            "repo", "pull", "http://127.0.0.1:1/", "-R", "a.fossil", "--user", "bob", "--pass-file", "pw");

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("chmod 600 pw", outcome.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void Guessing_the_password_of_one_login_stops_that_login_and_no_other()
    {
        using var edgesync = Project(out _);
        var secrets = ((string[])["alice", "bob"]).ToDictionary(
            user => user,
            user => edgesync.Json(
                "repo", "user", "add", user, "--cap", "gio", "-R", "a.fossil").GetProperty("password").GetString()!);
        using var leaf = new RunningLeaf(edgesync, "a.fossil");
        edgesync.Ok("repo", "clone", leaf.Url, "b.fossil");

        // One failure expires in six seconds, so that a slow machine needs more of them; a client that is told to
        // wait gives up.
        var codes = new List<int>();
        while (codes.LastOrDefault() != 7 && codes.Count < 60) codes.Add(Pull("bob", "guess"));

        Assert.Equal(7, codes[^1]);
        Assert.All(codes[..^1], code => Assert.Equal(6, code));
        Assert.Equal(0, Pull("alice", secrets["alice"]));

        int Pull(string user, string password) =>
            edgesync.Try(
                "repo", "pull", leaf.Url, "-R", "b.fossil", "--user", user, "--pass", password, "--timeout", "3s")
                .ExitCode;
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task A_leaf_joins_inside_WebSocket_also_through_a_proxy(bool throughProxy)
    {
        using var edgesync = Project(out var code);
        using var hub = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--name", "a", "--nats-leaf-port", "0", "--nats-websocket-port",
            "0");
        var join = hub.Report.GetProperty("join_addresses").EnumerateArray().Select(a => a.GetString()!)
            .Single(a => a.StartsWith("ws-leaf://", StringComparison.Ordinal));
        using var proxy = new ConnectProxy();
        if (throughProxy) edgesync.Variables["http_proxy"] = $"http://someone:secret@127.0.0.1:{proxy.Port}";

        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--name", "b", "--nats", join, "--clone-from", "nats", "--project",
            code);
        await hub.UntilPeersAsync(1);

        edgesync.Ok("repo", "verify", "-R", "b.fossil");
        Assert.Equal(throughProxy ? $"CONNECT {new Uri(join).Authority} HTTP/1.1" : null, proxy.Asked.FirstOrDefault());
        Assert.Equal(throughProxy, !proxy.Logins.IsEmpty);
        Assert.All(proxy.Logins, login => Assert.Equal("Proxy-Authorization: Basic c29tZW9uZTpzZWNyZXQ=", login));
    }

    [Test]
    public async Task Only_clients_with_the_token_may_use_the_ports()
    {
        using var edgesync = Project(out var code);
        File.SetUnixFileMode(edgesync.Write("token", "open sesame\n"), UnixFileMode.UserRead);
        using var hub = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--name", "a", "--nats-leaf-port", "0", "--nats-serve-token-file",
            "token");
        using var leaf = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--name", "b", "--nats", hub.Address("nats-leaf"),
            "--nats-token-file", "token", "--clone-from", "nats", "--project", code);
        await hub.UntilPeersAsync(1);

        using var stranger = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--name", "c", "--nats", hub.Address("nats-leaf"));
        await stranger.UntilAsync(
            async node => (await node.StatusAsync()).GetProperty("nats").TryGetProperty("last_error", out var error)
            && error.GetString()!.Contains("credentials", StringComparison.Ordinal),
            "it is refused");
    }

    [Test]
    public async Task Sync_now_without_a_peer_lists_the_peers_that_are_away()
    {
        using var edgesync = Project(out var code);
        using var first = new RunningNode(
            edgesync, "leaf", "--repo", "a.fossil", "--name", "first", "--nats-leaf-port", "0");
        using (var second = new RunningNode(
            edgesync, "leaf", "--repo", "b.fossil", "--name", "second", "--nats", first.Address("nats-leaf"),
            "--clone-from", "nats", "--project", code))
        {
            await first.UntilPeersAsync(1);
            Assert.Contains("second                leaf", edgesync.Ok("peers", "a.fossil"), StringComparison.Ordinal);
        }

        await first.UntilAsync(
            async node => !(await node.StatusAsync()).GetProperty("repositories")[0].GetProperty("peers")[0]
            .TryGetProperty("route", out _),
            "the second is away");

        Assert.Matches("(?m)^  second +leaf +[^ ]+ +away ", edgesync.Ok("peers", "a.fossil"));
        var outcome = edgesync.Try("sync", "now", "a.fossil");
        Assert.Equal(7, outcome.ExitCode);
        Assert.Contains("second is away since", outcome.Output, StringComparison.Ordinal);
    }

    private static EdgeSyncProgram Project(out string code)
    {
        var edgesync = new EdgeSyncProgram();
        edgesync.Ok("repo", "new", "a.fossil");
        edgesync.Write("a.txt", "a\n");
        edgesync.Ok("repo", "ci", "-R", "a.fossil", "-m", "first", "a.txt");
        code = edgesync.Json("repo", "info", "-R", "a.fossil").GetProperty("project_code").GetString()!;
        return edgesync;
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static async Task<string> GetAsync(HttpClient http, string url)
    {
        try
        {
            using var response = await http.GetAsync(url, TestContext.Current!.Execution.CancellationToken);
            return await response.Content.ReadAsStringAsync(TestContext.Current!.Execution.CancellationToken);
        }
        catch (HttpRequestException)
        {
            return "";   // does not listen yet
        }
    }

    private static async Task<string> UntilAsync(Func<Task<string>> ask, Func<string, bool> isEnough)
    {
        var text = "";
        await Patience.UntilAsync(
            async () => isEnough(text = await ask()), TimeSpan.FromMinutes(1),
            () => $"the last answer was: {text}");
        return text;
    }

    /// <summary>An HTTP proxy that opens tunnels and keeps their requests.</summary>
    private sealed class ConnectProxy : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public ConnectProxy()
        {
            _listener.Start();
            _ = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public System.Collections.Concurrent.ConcurrentQueue<string> Asked { get; } = new();

        public System.Collections.Concurrent.ConcurrentQueue<string> Logins { get; } = new();

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            while (true)
            {
                try
                {
                    _ = TunnelAsync(await _listener.AcceptTcpClientAsync());
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }
            }
        }

        private async Task TunnelAsync(TcpClient client)
        {
            using (client)
            {
                var stream = client.GetStream();
                var head = "";
                var one = new byte[1];
                while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one) == 1)
                    head += (char)one[0];
                var lines = head.Split("\r\n");
                Asked.Enqueue(lines[0]);
                if (lines.FirstOrDefault(
                    l => l.StartsWith("Proxy-Authorization", StringComparison.Ordinal)) is not { } login)
                {
                    var refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n"u8
                        + "Proxy-Authenticate: Basic realm=\"x\"\r\n"u8
                        + "Content-Length: 0\r\nConnection: close\r\n\r\n"u8;
                    await stream.WriteAsync(refusal.ToArray());
                    return;
                }

                Logins.Enqueue(login);
                using var target = new TcpClient();
                await target.ConnectAsync(IPEndPoint.Parse(lines[0].Split(' ')[1]));
                await stream.WriteAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray());
                await Task.WhenAny(stream.CopyToAsync(target.GetStream()), target.GetStream().CopyToAsync(stream));
            }
        }
    }
}
