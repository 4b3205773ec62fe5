using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

public sealed class ServeTests
{
    [Test]
    [Property("Arm64", "yes")]
    public void Clone_push_pull_and_sync_between_two_repositories()
    {
        using var edgesync = Hub(out var password);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");

        var clone = edgesync.Json("repo", "clone", leaf.UrlOf("tester"), "mine.fossil", "--pass", password);
        Assert.Equal(
            edgesync.Json("repo", "info", "-R", "hub.fossil").GetProperty("project_code").GetString(),
            clone.GetProperty("project_code").GetString());

        edgesync.Write("b.txt", "b\n");
        var hash = edgesync.Json("repo", "ci", "-R", "mine.fossil", "-m", "mine", "b.txt").GetProperty("hash")
            .GetString();
        Assert.Equal("done", edgesync.Json("repo", "push", "-R", "mine.fossil").GetProperty("status").GetString());
        Assert.Equal(hash, edgesync.Json("repo", "resolve", "tip", "-R", "hub.fossil").GetProperty("uuid").GetString());
        Assert.Equal(
            0, edgesync.Json("repo", "pull", "-R", "mine.fossil").GetProperty("artifacts_received").GetInt32());

        // Not even the owner writes unversioned files without the letter y.
        edgesync.Ok("repo", "user", "update", "tester", "--cap", "sy", "-R", "hub.fossil");
        edgesync.Write("uv.txt", "unversioned");
        edgesync.Ok("repo", "uv", "put", "uv.txt", "uv.txt", "-R", "mine.fossil");
        Assert.StartsWith("sync done: ", edgesync.Ok("repo", "sync", "--uv", "-R", "mine.fossil"));
        Assert.Equal("unversioned", edgesync.Ok("repo", "uv", "get", "uv.txt", "-R", "hub.fossil"));
        Assert.Equal(0, leaf.Stop());
        edgesync.Ok("repo", "verify", "-R", "hub.fossil");
    }

    [Test]
    [Property("Arm64", "yes")]
    public void Stock_clones_what_a_leaf_serves()
    {
        StockFossil.SkipWhenMissing();
        using var folder = new TemporaryFolder();
        var fossil = new StockFossil(folder);
        using var edgesync = Hub(out _);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");

        fossil.Run("clone", leaf.Url, folder["stock.fossil"]);

        fossil.MustBeIntact(folder["stock.fossil"]);
        Assert.Equal(0, leaf.Stop());
        RepositoryComparer.MustHoldSameArtifactsButClusters(edgesync["hub.fossil"], folder["stock.fossil"]);
    }

    [Test]
    public void A_pull_of_nothing_from_the_same_peer_writes_nothing()
    {
        using var edgesync = Hub(out var password);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        edgesync.Ok("repo", "clone", leaf.Url, "mine.fossil");
        var before = File.ReadAllBytes(edgesync["mine.fossil"]);

        foreach (var peer in (string[])[leaf.Url, leaf.Url.TrimEnd('/') + "/"])
        {
            edgesync.Ok("repo", "pull", peer, "-R", "mine.fossil");
            Assert.Equal(before, File.ReadAllBytes(edgesync["mine.fossil"]));
        }

        // A login is news, once.
        edgesync.Ok("repo", "pull", leaf.UrlOf("tester"), "--pass", password, "-R", "mine.fossil");
        var known = File.ReadAllBytes(edgesync["mine.fossil"]);
        Assert.NotEqual(before, known);
        edgesync.Ok("repo", "pull", leaf.UrlOf("tester"), "--pass", password, "-R", "mine.fossil");
        edgesync.Ok("repo", "pull", "-R", "mine.fossil");
        Assert.Equal(known, File.ReadAllBytes(edgesync["mine.fossil"]));
    }

    [Test]
    public void An_invitation_is_one_command()
    {
        using var edgesync = Hub(out _);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        var token = edgesync.Json("repo", "invite", "bob", "--cap", "oig", "--url", leaf.Url, "-R", "hub.fossil")
            .GetProperty("token").GetString()!;

        edgesync.Ok("repo", "clone", "--invite", token, "bobs.fossil");
        edgesync.Write("c.txt", "c\n");
        edgesync.Ok("repo", "ci", "-R", "bobs.fossil", "-m", "of bob", "c.txt");
        edgesync.Ok("repo", "sync", "-R", "bobs.fossil");

        Assert.Contains("of bob", edgesync.Ok("repo", "timeline", "-R", "hub.fossil"), StringComparison.Ordinal);
    }

    [Test]
    public void A_push_without_login_or_with_a_wrong_password_is_denied()
    {
        using var edgesync = Hub(out _);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        edgesync.Ok("repo", "clone", leaf.Url, "mine.fossil");
        edgesync.Write("b.txt", "b\n");
        edgesync.Ok("repo", "ci", "-R", "mine.fossil", "-m", "mine", "b.txt");

        Assert.Equal(6, edgesync.Try("repo", "push", "-R", "mine.fossil").ExitCode);
        Assert.Contains(
            "nothing was pushed", edgesync.Ok("repo", "sync", "-R", "mine.fossil"), StringComparison.Ordinal);
        Assert.Equal(
            6, edgesync.Try("repo", "pull", leaf.UrlOf("tester"), "--pass", "wrong", "-R", "mine.fossil").ExitCode);
        Assert.DoesNotContain("mine", edgesync.Ok("repo", "timeline", "-R", "hub.fossil"), StringComparison.Ordinal);
    }

    [Test]
    public void Too_many_wrong_passwords_are_throttled()
    {
        using var edgesync = Hub(out _);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        edgesync.Ok("repo", "clone", leaf.Url, "mine.fossil");

        // One failure is forgiven every six seconds, so a slow machine needs a few more.
        var codes = new List<int>();
        while (codes.Count < 60 && !codes.Contains(7))
            codes.Add(
                edgesync.Try("repo", "pull", leaf.UrlOf("tester"), "--pass", "wrong", "-R", "mine.fossil").ExitCode);

        Assert.Equal(6, codes[0]);
        Assert.Contains(7, codes);
    }

    [Test]
    [Arguments(Signals.Terminate)]
    [Arguments(Signals.Interrupt)]
    public void A_signal_stops_it_cleanly(int signal)
    {
        using var edgesync = Hub(out _);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");

        Assert.Equal(0, leaf.Stop(signal));
        Assert.False(File.Exists(edgesync["hub.fossil-wal"]));
    }

    [Test]
    public async Task Serves_healthz_readyz_and_a_page()
    {
        using var edgesync = Hub(out _);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        using var http = new HttpClient();
        var token = TestContext.Current!.Execution.CancellationToken;

        Assert.Equal("{\"status\":\"ok\"}\n", await http.GetStringAsync(leaf.Url + "/healthz", token));
        Assert.Equal("repository: ok\ndisk: ok\n", await http.GetStringAsync(leaf.Url + "/readyz", token));
        Assert.Contains(
            "fossil clone http://127.0.0.1:", await http.GetStringAsync(leaf.Url, token), StringComparison.Ordinal);
    }

    [Test]
    public void Notifies_the_supervisor_when_ready()
    {
        using var edgesync = Hub(out _);
        var path = edgesync["notify"];
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.ReceiveTimeout = 30_000;

        edgesync.Variables["NOTIFY_SOCKET"] = path;
        using var leaf = edgesync.Start("leaf", "--repo", "hub.fossil", "--serve-http", ":0").Begin();
        var buffer = new byte[1000];
        var text = Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
        leaf.Terminate(TimeSpan.FromMinutes(1));

        Assert.StartsWith("READY=1\n", text);
    }

    [Test]
    public void Serves_https_with_a_certificate_of_ones_own()
    {
        using var edgesync = Hub(out _);
        WriteCertificate(edgesync);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil", "--tls-cert", "cert.pem", "--tls-key", "key.pem");

        // The certificate is self-signed: the client must refuse it unless a setting trusts it.
        Assert.StartsWith("https://", leaf.Url);
        Assert.Equal(6, edgesync.Try("repo", "clone", leaf.Url, "a.fossil").ExitCode);
        edgesync.Variables["SSL_CERT_FILE"] = "cert.pem";
        edgesync.Ok("repo", "clone", leaf.Url, "b.fossil");
    }

    /// <summary>
    /// It is a leaf with HTTP alone: commands find it, and a settings file that is there is not its business.
    /// </summary>
    [Test]
    public async Task Repo_serve_is_a_leaf_without_settings_and_peers()
    {
        using var edgesync = Hub(out _);
        edgesync.Write("home/.config/edgesync/edgesync.json", "{ this is no JSON");
        using var server = new RunningNode(
            edgesync.Start("repo", "serve", "-R", "hub.fossil", "-P", "127.0.0.1:0", "--json"));
        var url = server.Report.GetProperty("address").GetString()!;
        using var http = new HttpClient();
        var token = TestContext.Current!.Execution.CancellationToken;

        Assert.Equal(["repository", "address"], server.Report.EnumerateObject().Select(p => p.Name));
        Assert.Equal("repository: ok\ndisk: ok\n", await http.GetStringAsync(url + "/readyz", token));
        using var status = JsonDocument.Parse(await http.GetStringAsync(url + "/status", token));
        Assert.Equal("leaf", status.RootElement.GetProperty("role").GetString());
        Assert.Equal(0, status.RootElement.GetProperty("repositories")[0].GetProperty("targets").GetArrayLength());
        edgesync.Ok("repo", "clone", url, "mine.fossil");
        Assert.Equal("no peer to sync with\n", edgesync.Try("sync", "now", "hub.fossil").Output);

        Assert.Equal(0, server.Stop());
        Assert.False(File.Exists(edgesync["hub.fossil-wal"]));
    }

    [Test]
    public void A_port_that_is_taken_is_a_failure_with_a_reason()
    {
        using var edgesync = Hub(out _);
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");

        var outcome = edgesync.Try("repo", "serve", "-R", "hub.fossil", "-P", leaf.Url["http://".Length..]);

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("cannot listen", outcome.Errors, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("leaf")]
    [Arguments("edgesync-leaf")]
    public void The_environment_sets_settings_and_a_link_named_leaf_runs_a_leaf(string name)
    {
        EdgeSyncProgram.RequireOneFile();
        using var edgesync = Hub(out _);
        var isLeaf = name == "leaf";
        File.CreateSymbolicLink(edgesync[name], EdgeSyncProgram.Program);

        edgesync.Variables["LEAF_REPO"] = "hub.fossil";
        edgesync.Variables["LEAF_SERVE_HTTP"] = ":0";
        using var leaf = new RunningNode(
            edgesync.StartAs(edgesync[name], [.. isLeaf ? (string[])[] : ["leaf"], "--json"]));

        Assert.StartsWith("http://127.0.0.1:", leaf.Report.GetProperty("address").GetString());
        Assert.Equal(0, leaf.Stop());
    }

    [Test]
    public void The_name_bridge_is_the_original_s_program()
    {
        EdgeSyncProgram.RequireOneFile();
        using var edgesync = new EdgeSyncProgram();
        File.CreateSymbolicLink(edgesync["bridge"], EdgeSyncProgram.Program);

        var bridge = edgesync.StartAs(edgesync["bridge"]).Run();

        Assert.Contains("a bridge needs a project", bridge.Errors, StringComparison.Ordinal);
    }

    [Test]
    public void A_request_leaves_one_line_in_the_log()
    {
        using var edgesync = Hub(out _);
        edgesync.Variables["EDGESYNC_LOG_FORMAT"] = "text";
        using var leaf = new RunningLeaf(edgesync, "hub.fossil");
        edgesync.Ok("repo", "clone", leaf.Url, "a.fossil");

        leaf.Stop();

        Assert.Matches(
            "INFO HTTP request method=POST path=/ status=200 from=127.0.0.1 bytes_in=\\d+ bytes_out=\\d+ ms=[0-9.]+ "
                + "operation=clone user=nobody sent=[1-9]", leaf.Errors);
    }

    private static EdgeSyncProgram Hub(out string password)
    {
        var edgesync = new EdgeSyncProgram();
        password = edgesync.Json("repo", "new", "hub.fossil", "--user", "tester").GetProperty("password").GetString()!;
        edgesync.Write("a.txt", "a\n");
        edgesync.Ok("repo", "ci", "-R", "hub.fossil", "-m", "first", "a.txt");
        return edgesync;
    }

    private static void WriteCertificate(EdgeSyncProgram edgesync)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        edgesync.Write("cert.pem", certificate.ExportCertificatePem());
        File.SetUnixFileMode(
            edgesync.Write("key.pem", key.ExportPkcs8PrivateKeyPem()), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
