using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Nats.Keys;
using EdgeSync.Net.Nats;
using EdgeSync.Net.Nats.Leafnodes;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Nats.Leafnodes;

/// <summary>Logins, permissions of subjects, and TLS, in both roles.</summary>
public sealed class LeafSecurityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("leaf");
    private readonly X509Certificate2 _certificate = CreateCertificate();

    public void Dispose()
    {
        _certificate.Dispose();
        _folder.Dispose();
    }

    [Test]
    [Arguments("bob:secret@", true)]
    [Arguments("bob:wrong@", false)]
    [Arguments("", false)]
    public async Task We_authenticate_at_a_real_hub(string user, bool isWelcome)
    {
        await using var hub = new RealBus("hub", leafnodes: "authorization { user: bob, password: secret }");
        await using var leaf = await OurBus.StartAsync("leaf");

        leaf.Join($"nats-leaf://{user}127.0.0.1:{hub.LeafPort}");

        await MustJoinOrBeRefused(leaf, isWelcome);
    }

    [Test]
    [Arguments("bob:secret@", true)]
    [Arguments("bob:wrong@", false)]
    [Arguments("", false)]
    public async Task A_real_leaf_authenticates_at_our_hub(string user, bool isWelcome)
    {
        await using var hub = await OurBus.StartAsync("hub", Secured);
        await using var leaf = new RealBus("leaf", $$"""{ url: "nats-leaf://{{user}}127.0.0.1:{{hub.LeafPort}}" }""");

        await Patience.UntilAsync(
            () => isWelcome
                ? hub.Broker.LeafCount > 0
                : leaf.Log.Contains("Authorization Violation", StringComparison.Ordinal),
            TimeSpan.FromSeconds(10), () => leaf.Log);

        if (!isWelcome) Assert.Equal(0, hub.Broker.LeafCount);
    }

    [Test]
    [Arguments("secret", true)]
    [Arguments("wrong", false)]
    public async Task Our_own_leaves_authenticate(string password, bool isWelcome)
    {
        await using var hub = await OurBus.StartAsync("hub", Secured);
        await using var leaf = await OurBus.StartAsync("leaf");

        leaf.Join(
            new LeafnodeRemote
            {
                Urls = [$"127.0.0.1:{hub.LeafPort}"],
                Credentials = new NatsCredentials { User = "bob", Password = password }
            });

        await MustJoinOrBeRefused(leaf, isWelcome);
    }

    [Test]
    public async Task Permissions_of_a_real_hub_hold_for_us()
    {
        await using var hub = new RealBus("hub", leafnodes: "authorization { users [ { user: bob, password: secret, account: A } ] }", more: """
            accounts { A { users [ { user: bob, password: secret, permissions { publish: { allow: ["up.>"] }, subscribe: { allow: ["down.>"] } } }, { user: all, password: x } ] } }
            """);
        await using var leaf = await OurBus.StartAsync("leaf");
        leaf.Join(
            new LeafnodeRemote
            {
                Urls = [$"127.0.0.1:{hub.LeafPort}"],
                Credentials = new NatsCredentials { User = "bob", Password = "secret" }
            });
        await using var atHub = await hub.ClientAsync(""","user":"all","pass":"x" """);
        await using var atLeaf = await leaf.ClientAsync();
        await atLeaf.SubscribeAsync("down.>");
        await atLeaf.SubscribeAsync("up.mine");
        await atHub.SubscribeAsync(">");
        await leaf.UntilAsync(status => status.IsConnected);

        await UntilArrivesAsync(atHub, atLeaf, "down.a");
        await UntilArrivesAsync(atLeaf, atHub, "up.a");
        await atHub.ArrivedAsync();
        await atLeaf.ArrivedAsync();
        await atLeaf.PublishAsync("down.a", "not to the hub");
        await atLeaf.PublishAsync("other", "nor this");
        await atHub.PublishAsync("up.mine", "not to the leaf");
        await UntilArrivesAsync(atLeaf, atHub, "up.end");
        await UntilArrivesAsync(atHub, atLeaf, "down.end");

        Assert.DoesNotContain(await atHub.ArrivedAsync(), message => message.Subject is "down.a" or "other");
        Assert.DoesNotContain(await atLeaf.ArrivedAsync(), message => message.Body == "not to the leaf");
        Assert.Equal(0, leaf.Remote.Status.Connects);
        Assert.True(leaf.Remote.IsConnected);
    }

    [Test]
    [Arguments("real")]
    [Arguments("ours")]
    public async Task Permissions_of_ours_hold_for_leaves(string leafKind)
    {
        await using var hub = await OurBus.StartAsync("hub", options => options with
        {
            Broker = options.Broker with
            {
                Users =
                [
                    new BrokerUser
                    {
                        Name = "bob", Password = "secret",
                        Publish = new SubjectPermissions(["up.>"], []),
                        Subscribe = new SubjectPermissions(["down.>"], []),
                    },
                    new BrokerUser { Name = "all", Password = "x" },
                ],
            },
        });
        await using var leaf = leafKind == "real"
            ? new RealBus("leaf", $$"""{ url: "nats-leaf://bob:secret@127.0.0.1:{{hub.LeafPort}}" }""")
            : (LeafBus)await OurBus.StartAsync("leaf");
        (leaf as OurBus)?.Join($"nats-leaf://bob:secret@127.0.0.1:{hub.LeafPort}");
        await using var atHub = await hub.ClientAsync(""","user":"all","pass":"x" """);
        await using var atLeaf = await leaf.ClientAsync();
        await atLeaf.SubscribeAsync("down.>");
        await atHub.SubscribeAsync(">");

        await UntilArrivesAsync(atHub, atLeaf, "down.a");
        await UntilArrivesAsync(atLeaf, atHub, "up.a");
        await atHub.ArrivedAsync();
        await atLeaf.ArrivedAsync();
        await atLeaf.PublishAsync("other", "not to the hub");
        await UntilArrivesAsync(atLeaf, atHub, "up.end");

        Assert.DoesNotContain(await atHub.ArrivedAsync(), message => message.Subject == "other");
        Assert.Equal(1, hub.Broker.LeafCount);
    }

    [Test]
    public async Task A_message_over_the_hubs_limit_is_not_sent()
    {
        await using var hub = new RealBus("hub", more: "max_payload: 1000");
        await using var leaf = await LeafBus.StartAsync("ours", "leaf", hub.LeafPort);
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        await atHub.SubscribeAsync("foo");
        await atHub.BeReachableFromAsync(atLeaf);

        await atLeaf.PublishAsync("foo", new string('x', 1_001));
        await atLeaf.PublishAsync("foo", new string('y', 1_000));

        Assert.Equal(new string('y', 1_000), (await atHub.NextAsync()).Body);
        await atLeaf.BeReachableFromAsync(atHub);
        Assert.StartsWith(
            "NATS/1.0 503", (await atLeaf.RequestAsync("foo", new string('x', 1_001))).Header,
            StringComparison.Ordinal);
    }

    [Test]
    [Arguments("nats-leaf", false)]
    [Arguments("tls", false)]
    [Arguments("tls", true)]
    public async Task Tls_with_a_real_hub(string scheme, bool isDistrusted)
    {
        await using var hub = new RealBus("hub", leafnodes: TlsBlock());
        await using var leaf = await OurBus.StartAsync("leaf");

        leaf.Join(
            $"{scheme}://localhost:{hub.LeafPort}", new LeafnodeDialing { Tls = isDistrusted ? null : Trusting() });

        if (isDistrusted)
        {
            await leaf.UntilAsync(status => status.LastError.Length > 0);
            Assert.Contains("certificate", leaf.Remote.Status.LastError, StringComparison.OrdinalIgnoreCase);
            Assert.False(leaf.Remote.IsConnected);
            return;
        }

        await leaf.UntilAsync(status => status.IsConnected);
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        await atLeaf.SubscribeAsync("foo");
        await atLeaf.BeReachableFromAsync(atHub);
        await atHub.PublishAsync("foo", new string('x', 200_000));
        Assert.Equal(200_000, (await atLeaf.NextAsync()).Body.Length);
    }

    [Test]
    public async Task Tls_with_a_real_leaf()
    {
        await using var hub = await OurBus.StartAsync(
            "hub",
            options => options with { Tls = new NatsBrokerTls { Certificate = _certificate }, ClientListen = null });
        File.WriteAllText(_folder["ca.pem"], _certificate.ExportCertificatePem());
        await using var leaf = new RealBus(
            "leaf", $$"""{ url: "tls://localhost:{{hub.LeafPort}}", tls { ca_file: "{{_folder["ca.pem"]}}" } }""");

        await Patience.UntilAsync(
            () => hub.Broker.LeafCount > 0
                && leaf.Log.Contains("Leafnode connection created", StringComparison.Ordinal),
            TimeSpan.FromSeconds(15), () => leaf.Log);
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task Tls_between_ours_in_both_orders(bool isFirst)
    {
        await using var hub = await OurBus.StartAsync(
            "hub",
            options => options with
            {
                Tls = new NatsBrokerTls { Certificate = _certificate, HandshakeFirst = isFirst },
                ClientListen = null
            });
        await using var leaf = await OurBus.StartAsync("leaf");

        leaf.Join($"tls://localhost:{hub.LeafPort}", new LeafnodeDialing { Tls = Trusting(), TlsFirst = isFirst });

        await leaf.UntilAsync(status => status.IsConnected);
        Assert.Equal("hub", leaf.Remote.Status.PeerName);
    }

    [Test]
    [Arguments("real", "ws")]
    [Arguments("ours", "ws")]
    [Arguments("ours", "wss")]
    [Arguments("real", "wss")]
    public async Task A_leaf_inside_websockets(string hubKind, string scheme)
    {
        var port = Ports.Free();
        var tls = scheme == "wss";
        await using var hub = hubKind == "real"
            ? new RealBus(
                "hub", more: $"websocket {{ listen: \"127.0.0.1:{port}\", {(tls ? TlsBlock() : "no_tls: true")} }}")
            : (LeafBus)await OurBus.StartAsync("hub", options => options with
            {
                WebSocketListen = new IPEndPoint(IPAddress.Loopback, port),
                Tls = tls ? new NatsBrokerTls { Certificate = _certificate } : null,
            });
        await using var leaf = await OurBus.StartAsync("leaf");

        leaf.Join($"{scheme}://localhost:{port}", tls ? new LeafnodeDialing { Tls = Trusting() } : null);

        await leaf.UntilAsync(status => status.IsConnected);
        if (hubKind == "ours" && tls) return;   // its client port has TLS too, which our line client does not speak

        await CarryLargeMessagesAsync(hub, leaf);
    }

    [Test]
    [Arguments(false)]
    [Arguments(true)]
    public async Task A_nats_server_joins_inside_websockets(bool compresses)
    {
        var port = Ports.Free();
        await using var hub = await OurBus.StartAsync("hub", options => options with
        {
            WebSocketListen = new IPEndPoint(IPAddress.Loopback, port),
            WebSocketCompression = compresses,
        });
        await using var leaf = new RealBus(
            "leaf", $"{{ url: \"ws://127.0.0.1:{port}\", ws_compression: {(compresses ? "true" : "false")} }}");

        await CarryLargeMessagesAsync(hub, leaf);
    }

    private static async Task CarryLargeMessagesAsync(LeafBus hub, LeafBus leaf)
    {
        await using var atHub = await hub.ClientAsync();
        await using var atLeaf = await leaf.ClientAsync();
        await atLeaf.SubscribeAsync("foo");
        await atHub.SubscribeAsync("bar");
        await atLeaf.BeReachableFromAsync(atHub);
        await atHub.BeReachableFromAsync(atLeaf);
        await atHub.PublishAsync("foo", new string('x', 200_000));
        Assert.Equal(200_000, (await atLeaf.NextAsync()).Body.Length);
        await atLeaf.PublishAsync("bar", new string('x', 200_000));
        Assert.Equal(200_000, (await atHub.NextAsync()).Body.Length);
    }

    private static NatsBrokerOptions Secured(NatsBrokerOptions options) =>
        options with
        {
            Broker = options.Broker with { Users = [new BrokerUser { Name = "bob", Password = "secret" }] }
        };

    private static async Task MustJoinOrBeRefused(OurBus leaf, bool isWelcome)
    {
        if (isWelcome)
        {
            await leaf.UntilAsync(status => status.IsConnected);
            return;
        }

        await leaf.UntilAsync(status => status.LastError.Length > 0);
        Assert.Contains("credentials", leaf.Remote.Status.LastError, StringComparison.Ordinal);
        Assert.False(leaf.Remote.IsConnected);
    }

    private static async Task UntilArrivesAsync(LeafClient from, LeafClient to, string subject)
    {
        await Patience.UntilAsync(
            async () =>
            {
                await from.PublishAsync(subject, "probe");
                await from.FlushAsync();
                return (await to.ArrivedAsync()).Any(message => message.Subject == subject);
            },
            TimeSpan.FromSeconds(15), () => $"{subject} does not arrive");
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(
            certificate.Export(X509ContentType.Pfx), null, X509KeyStorageFlags.Exportable);
    }

    private SslClientAuthenticationOptions Trusting()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck
        };
        policy.CustomTrustStore.Add(_certificate);
        return new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
    }

    private string TlsBlock()
    {
        File.WriteAllText(_folder["cert.pem"], _certificate.ExportCertificatePem());
        File.WriteAllText(_folder["key.pem"], _certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        return $$"""tls { cert_file: "{{_folder["cert.pem"]}}", key_file: "{{_folder["key.pem"]}}" }""";
    }
}
