using System.Net;
using EdgeSync.Nats.Broker;
using EdgeSync.Net.Nats;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;
using NATS.NKeys;

namespace EdgeSync.InteropTests.Nats;

/// <summary>
/// The clients that others publish, against our broker: <c>nats</c> 2.x, <c>@nats-io</c> 3.x over TCP, and the latter
/// over a WebSocket as in a browser. The scenarios are in tests/npm; they were written against nats-server.
/// </summary>
public sealed class NpmClientTests
{
    private static readonly string Folder =
        Environment.GetEnvironmentVariable("EDGESYNC_NPM") is { Length: > 0 } given
        ? given
        : Path.Combine(Vectors.RepositoryRoot, "artifacts", "npm");

    [Test]
    [Arguments("nats")]
    [Arguments("nats-io")]
    [Arguments("websocket")]
    public async Task Every_scenario_works(string client)
    {
        RequireNode();
        await using var broker = await StartAsync(new BrokerOptions { ServerName = "npm" });

        var result = Run(client, UrlOf(broker, client));

        Assert.DoesNotContain("not ok", result.Output, StringComparison.Ordinal);
        Assert.EndsWith("end\n", result.MustSucceed().Output, StringComparison.Ordinal);
        Assert.Equal(12, result.Output.Split('\n').Count(l => l.StartsWith("ok ", StringComparison.Ordinal)));
    }

    [Test]
    [Arguments("nats")]
    [Arguments("nats-io")]
    [Arguments("websocket")]
    public async Task Passwords_and_permissions_are_kept(string client)
    {
        const string HashOfRight = "$2b$08$BFZgAc7ZA8pUJxclud0FWea4QFpn53qFnTgVWAfso1rr6EPl.cu..";
        RequireNode();
        var options = new BrokerOptions
        {
            ServerName = "npm",
            Users = [
                new BrokerUser { Name = "me", Password = HashOfRight,
                    Publish = new SubjectPermissions(["allowed.>"], []) }],
        };
        await using var broker = await StartAsync(options);

        var permissions = Run(
            client, UrlOf(broker, client), ("NATS_TEST_ONLY", "permissions"), ("NATS_TEST_USER", "me"),
            ("NATS_TEST_PASSWORD", "right"));
        var refused = Run(client, UrlOf(broker, client), ("NATS_TEST_ONLY", "refused"));

        Assert.Equal("ok permissions\nend\n", permissions.Output);
        Assert.Equal("ok refused\nend\n", refused.Output);
    }

    [Test]
    [Arguments("nats")]
    [Arguments("nats-io")]
    [Arguments("websocket")]
    public async Task An_nkey_authenticates_by_its_signature(string client)
    {
        RequireNode();
        var pair = KeyPair.CreatePair(PrefixByte.User);
        await using var broker = await StartAsync(
            new BrokerOptions { ServerName = "npm", Users = [new BrokerUser { Name = pair.GetPublicKey() }] });

        var known = Run(client, UrlOf(broker, client), ("NATS_TEST_ONLY", "nkey"), ("NATS_TEST_SEED", pair.GetSeed()));
        var unknown = Run(
            client, UrlOf(broker, client), ("NATS_TEST_ONLY", "nkey"),
            ("NATS_TEST_SEED", KeyPair.CreatePair(PrefixByte.User).GetSeed()));

        Assert.Equal("ok nkey\nend\n", known.Output);
        Assert.StartsWith("not ok nkey", unknown.Output, StringComparison.Ordinal);
    }

    private static string UrlOf(NatsBroker broker, string client) =>
        client == "websocket"
        ? $"ws://127.0.0.1:{broker.WebSocketUrl!.Port}"
        : $"nats://127.0.0.1:{broker.ClientUrl!.Port}";

    private static Task<NatsBroker> StartAsync(BrokerOptions options) => NatsBroker.StartAsync(
        new NatsBrokerOptions
        {
            Broker = options,
            ClientListen = new IPEndPoint(IPAddress.Loopback, 0),
            WebSocketListen = new IPEndPoint(IPAddress.Loopback, 0),
            WebSocketCompression = true,   // the package ws offers it
            Entropy = SystemEntropy.Instance,
        },
        TimeProvider.System, null, TestContext.Current!.Execution.CancellationToken);

    private static ProgramResult Run(string client, string url, params (string Name, string Value)[] variables) =>
        new ProgramStart("node")
        {
            Arguments = [Path.Combine(Vectors.RepositoryRoot, "tests", "npm", "clients.cjs"), client, url, Folder],
            Environment = variables.ToDictionary(v => v.Name, v => (string?)v.Value),
            Timeout = TimeSpan.FromMinutes(2),
        }.Run();

    private static void RequireNode()
    {
        Skip.Unless(
            Directory.Exists(Path.Combine(Folder, "node_modules", "nats")),
            $"needs the packages of tests/npm in {Folder}: scripts/test.sh installs them");
        try
        {
            new ProgramStart("node") { Arguments = ["--version"] }.Run();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip.Test("needs node");
        }
    }
}
