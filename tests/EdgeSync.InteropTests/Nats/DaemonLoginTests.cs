using EdgeSync.Tests.Support;
using NATS.NKeys;

namespace EdgeSync.InteropTests.Nats;

/// <summary>
/// Each way to log in and to be sure of the other side, as a daemon's settings say it: towards a real nats-server, as
/// its client and as its leafnode, and towards our own hub. What is wrong says what to do.
/// </summary>
public sealed class DaemonLoginTests : IDisposable
{
    private const string Joined = "\"event\":\"nats.connected\".*\"mode\":\"leafnode\"";
    private const string Connected = "\"event\":\"nats.connected\".*\"mode\":\"client\"";
    private const string CheckLogin = "check nats.login";

    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new("login");
    private readonly EdgeSyncProgram _program;

    public DaemonLoginTests()
    {
        _program = new EdgeSyncProgram(_folder);
        _program.Run("repo", "new", _folder["a.fossil"]);
    }

    public void Dispose()
    {
        _program.Dispose();
        _folder.Dispose();
    }

    [Test]
    public async Task A_password_and_a_token_for_a_real_server()
    {
        Secret("good", "s3cret");
        Secret("bad", "guessed");
        var leafPort = Ports.Free();
        using var server = StockNats.Start(
            $"authorization {{ user: ship, password: s3cret }}\nleafnodes {{ listen: 127.0.0.1:{leafPort}, "
                + $"authorization {{ user: ship, password: s3cret }} }}");
        using var keeper = StockNats.Start("authorization { token: s3cret }");

        await OkAsync(Connected, server.Url, """ "user": "ship", "password_file": "good" """);
        await OkAsync(Joined, $"nats-leaf://127.0.0.1:{leafPort}", """ "user": "ship", "password_file": "good" """);
        await OkAsync(Connected, keeper.Url, """ "token_file": "good" """);
        await RefusedAsync(server.Url, """ "user": "ship", "password_file": "bad" """);
        await RefusedAsync($"nats-leaf://127.0.0.1:{leafPort}", """ "user": "ship", "password_file": "bad" """);
        await RefusedAsync(keeper.Url, """ "token_file": "bad" """);
    }

    [Test]
    public async Task A_key_for_a_real_server()
    {
        var key = OperatorChain.NewKey(PrefixByte.User);
        Secret("good", key.GetSeed());
        Secret("bad", OperatorChain.NewKey(PrefixByte.User).GetSeed());
        using var server = StockNats.Start($"authorization {{ users: [ {{ nkey: {key.GetPublicKey()} }} ] }}");

        await OkAsync(Connected, server.Url, """ "nkey_file": "good" """);
        await RefusedAsync(server.Url, """ "nkey_file": "bad" """);
    }

    [Test]
    public async Task A_creds_file_for_a_real_server_with_an_operator()
    {
        var chain = new OperatorChain();
        Secret("good", chain.CredentialsFile);
        Secret("bad", chain.StolenFile);
        var leafPort = Ports.Free();
        using var server = StockNats.Start($"{chain.Configuration}\nleafnodes {{ listen: 127.0.0.1:{leafPort} }}");

        await OkAsync(Connected, server.Url, """ "creds_file": "good" """);
        await OkAsync(Joined, $"nats-leaf://127.0.0.1:{leafPort}", """ "creds_file": "good" """);
        await RefusedAsync(server.Url, """ "creds_file": "bad" """);
        await RefusedAsync($"nats-leaf://127.0.0.1:{leafPort}", """ "creds_file": "bad" """);
    }

    [Test]
    public async Task Certificates_of_a_real_server_and_ours_for_it()
    {
        var certificates = new TestCertificates(_folder.Folder("tls"));
        var tls =
            $"tls {{ cert_file: \"{certificates.ServerFile}\", key_file: \"{certificates.ServerKeyFile}\", ca_file: "
                + $"\"{certificates.CaFile}\", verify: true }}";
        var leafPort = Ports.Free();
        using var server = StockNats.Start($"{tls}\nleafnodes {{ listen: 127.0.0.1:{leafPort}, {tls} }}");
        var shown = $$""" "ca_file": "{{certificates.CaFile}}", "cert_file": "{{certificates.ClientFile}}", "key_file": "{{certificates.ClientKeyFile}}" """;

        await OkAsync(Connected, $"tls://localhost:{server.Port}", "", shown);
        await OkAsync(Joined, $"nats-leaf://localhost:{leafPort}", "", shown);
        await UntilAsync($"tls://localhost:{server.Port}", "", "", "nats.tls.ca_file");
        await UntilAsync($"tls-leaf://localhost:{leafPort}", "", "", "nats.tls.ca_file");
    }

    [Test]
    public async Task A_key_and_a_certificate_for_our_own_hub()
    {
        var certificates = new TestCertificates(_folder.Folder("tls"));
        var key = OperatorChain.NewKey(PrefixByte.User);
        Secret("good", key.GetSeed());
        Secret("bad", OperatorChain.NewKey(PrefixByte.User).GetSeed());
        var (port, leafPort) = (Ports.Free(), Ports.Free());
        File.WriteAllText(
            _folder["hub.json"],
            $$"""{ "nats": { "users": [ { "nkey": "{{key.GetPublicKey()}}" } ], "serve_tls": { "cert_file": "{{certificates.ServerFile}}", "key_file": "{{certificates.ServerKeyFile}}", "ca_file": "{{certificates.CaFile}}" } } }""");
        _program.Run("repo", "new", _folder["hub.fossil"]);
        using var hub = _program.Start(
            "hub", "serve", "-R", _folder["hub.fossil"], "--config", _folder["hub.json"], "--nats-client-port",
            $"{port}", "--nats-leaf-port", $"{leafPort}", "--data-dir", _folder["hub"], "--log-format", "text").Begin();
        Assert.True(Ports.WaitForListener(leafPort, hub, PatienceMax), hub.TextSoFar);
        var shown = $$""" "ca_file": "{{certificates.CaFile}}", "cert_file": "{{certificates.ClientFile}}", "key_file": "{{certificates.ClientKeyFile}}" """;

        await OkAsync(Connected, $"tls://localhost:{port}", """ "nkey_file": "good" """, shown);
        await OkAsync(Joined, $"nats-leaf://localhost:{leafPort}", """ "nkey_file": "good" """, shown);
        await RefusedAsync($"tls://localhost:{port}", """ "nkey_file": "bad" """, shown);
        await RefusedAsync($"nats-leaf://localhost:{leafPort}", """ "nkey_file": "bad" """, shown);
    }

    [Test]
    public void A_secret_that_others_can_read_is_refused_before_anything_starts()
    {
        Secret("open", "s3cret");
        Skip.When(OperatingSystem.IsWindows(), "needs file modes");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(
                _folder["open"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        WriteSettings("nats://127.0.0.1:4222", """ "user": "ship", "password_file": "open" """, "");

        var result = _program.Try("leaf", "--config", _folder["leaf.json"]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("chmod 600", result.Text, StringComparison.Ordinal);
    }

    private Task OkAsync(string word, string url, string login, string tls = "") => UntilAsync(url, login, tls, word);

    private Task RefusedAsync(string url, string login, string tls = "") => UntilAsync(url, login, tls, CheckLogin);

    /// <summary>A leaf with those settings writes that pattern, and never the secrets.</summary>
    private async Task UntilAsync(string url, string login, string tls, string word)
    {
        WriteSettings(url, login, tls);
        using var leaf = _program
            .Start(
                "leaf", "--config", _folder["leaf.json"], "--serve-http", "127.0.0.1:0", "--data-dir", _folder["leaf"],
                "--log-format", "json").Begin();
        await leaf.UntilTextAsync(word, PatienceMax, $"{url} {login}{tls}");

        Assert.DoesNotContain("s3cret", leaf.TextSoFar, StringComparison.Ordinal);
        Assert.DoesNotContain("guessed", leaf.TextSoFar, StringComparison.Ordinal);
        if (word == CheckLogin) Assert.DoesNotMatch(Joined, leaf.TextSoFar);
    }

    private void WriteSettings(string url, string login, string tls) => File.WriteAllText(
        _folder["leaf.json"], $$"""{ "nats": { "urls": [ "{{url}}" ], "login": { {{login}} }, "tls": { {{tls}} } }, "repositories": [ { "path": "a.fossil" } ] }""");

    private void Secret(string name, string text)
    {
        File.WriteAllText(_folder[name], text + "\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder[name], UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
