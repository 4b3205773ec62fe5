using System.Net;
using EdgeSync.Iroh.Endpoints;
using EdgeSync.Node.Can;
using EdgeSync.Node.Can.Mirror;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Quic;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>The keys of a mirror in <c>config.yaml</c>, and files with tickets.</summary>
public sealed class MirrorSettingsTests
{
    [Test]
    public void The_keys_of_the_original_and_ours_are_read()
    {
        var all = CanSettings.Parse(
            """
            can_service_url: http://127.0.0.1:3210
            sync_api_key: k
            sync_passphrase: my-secret-phrase
            poll_interval_secs: 20
            agent_port: 3213
            agent_folder: kept
            ticket_file: a.ticket
            connect_ticket_file: b.ticket
            sync_discovery: own
            sync_relays: http://relay.example.org:3340
            sync_pkarr: http://relay.example.org:3340/pkarr
            sync_name: attic
            sync_limit: 1MB 22:00-06:00=off
            sync_compat: true
            sync_original: 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8, ticket
            """, "config.yaml");
        var settings = all.Mirror;

        Assert.Equal("http://127.0.0.1:3210", all.Agent.ServiceUrl);
        Assert.Equal(TimeSpan.FromSeconds(20), all.Agent.PollInterval);
        Assert.Equal((3213, "kept"), (all.Agent.Port!.Value, all.Agent.Folder));
        Assert.Equal("my-secret-phrase", settings.Passphrase);
        Assert.Equal("a.ticket", settings.TicketFile);
        Assert.Equal("b.ticket", settings.ConnectTicketFile);
        Assert.Equal("attic", settings.Name);
        Assert.Equal(IrohDiscoveryMode.Own, settings.Iroh.Discovery);
        Assert.Equal(1_000_000L, settings.Limit.At(12 * 60));
        Assert.Null(settings.Limit.At(23 * 60));
        Assert.True(settings.IsCompatible);
        Assert.Equal(
            "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
            Assert.Single(settings.Originals).ToString());
        Assert.True(settings.TakesOriginalTicket);
        Assert.False(new MirrorSettings().HasOriginals);
    }

    [Test]
    [Arguments("sync_discovery: everywhere", "public, own, local, off")]
    [Arguments("sync_limit: fast", "sync_limit")]
    [Arguments("sync_limit: 1MB 25:00-06:00=off", "sync_limit")]
    [Arguments("sync_limit: 0", "sync_limit")]
    [Arguments("sync_peers: nobody", "ticket")]
    [Arguments("sync_allow: abc", "endpoint id")]
    [Arguments("sync_original: abc", "endpoint id")]
    [Arguments("sync_pkarr: relay", "address")]
    [Arguments("sync_passphrases: x", "no setting")]
    public void A_wrong_value_is_refused_with_its_line(string line, string reason)
    {
        var e = Assert.Throws<EdgeSyncException>(() => CanSettings.Parse("storage_root: x\n" + line, "config.yaml"));

        Assert.Contains("line 2", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Test]
    [Arguments("500", 500L)]
    [Arguments("500B", 500L)]
    [Arguments("7kb", 7000L)]
    [Arguments("5M", 5_000_000L)]
    [Arguments("2GB", 2_000_000_000L)]
    public void Limits_are_bytes_per_second(string text, long expected) =>
        Assert.Equal(expected, TransferLimit.Of(text)!.At(0));

    [Test]
    public void A_ticket_file_is_that_of_the_original()
    {
        var id = new SecretKey([.. Enumerable.Repeat((byte)7, SecretKey.SeedBytes)]).Id;
        Assert.True(RelayUrl.TryParse("https://relay.example.org/", out var relay));
        var address = new EndpointAddress(id, [relay], [UdpAddress.From(IPAddress.Loopback, 54321)]);

        var text = System.Text.Encoding.UTF8.GetString(TicketFiles.Format(address));

        Assert.Equal(
            $$"""{"id":"{{id}}","addrs":[{"Relay":"{{relay.Text}}"},{"Ip":"127.0.0.1:54321"}]}""", text);
        Assert.Equal(address.ToString(), TicketFiles.TryParse(text)!.ToString());
        Assert.Equal(address.ToString(), TicketFiles.TryParse(
            EdgeSync.Iroh.Tickets.EndpointTicket.Format(address) + "\n")!.ToString());
    }

    /// <summary>The other program may be writing it.</summary>
    [Test]
    public void A_ticket_that_is_cut_anywhere_is_none()
    {
        var id = new SecretKey([.. Enumerable.Repeat((byte)7, SecretKey.SeedBytes)]).Id;
        var text = System.Text.Encoding.UTF8.GetString(TicketFiles.Format(
            new EndpointAddress(id, [], [UdpAddress.From(IPAddress.Loopback, 54321)])));

        for (var length = 0; length < text.Length; length++) Assert.Null(TicketFiles.TryParse(text[..length]));
        Property.Check(prng =>
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(text);
            bytes[prng.NextInt32(bytes.Length)] = (byte)prng.NextInt32(128);
            TicketFiles.TryParse(System.Text.Encoding.UTF8.GetString(bytes));
        });
    }

    /// <summary>Of gossip: all that have the topic may send anything.</summary>
    [Test]
    public void An_announcement_that_is_cut_or_changed_is_read_as_less_or_not_at_all()
    {
        var id = new SecretKey([.. Enumerable.Repeat((byte)7, SecretKey.SeedBytes)]).Id;
        var address = new EndpointAddress(id, [], [UdpAddress.From(IPAddress.Loopback, 54321)]);
        byte[] message =
        [
            .. id.ToArray(), .. new byte[8],
            .. System.Text.Encoding.UTF8.GetBytes(EdgeSync.Iroh.Tickets.EndpointTicket.Format(address)),
        ];

        Assert.Equal(address.ToString(), MirrorDiscovery.Read(message)!.ToString());
        for (var length = 0; length < message.Length; length++)
        {
            var isRead = MirrorDiscovery.Read(message.AsSpan(0, length)) is { IsEmpty: true };
            Assert.Equal(length >= EndpointId.Bytes, isRead);
        }

        Property.Check(prng =>
        {
            var changed = (byte[])message.Clone();
            changed[prng.NextInt32(changed.Length)] ^= (byte)prng.NextInt32(1, 256);
            MirrorDiscovery.Read(changed);
            MirrorDiscovery.Read(prng.NextBytes(prng.NextInt32(200)));
        });
    }

    [Test]
    public void A_mirror_without_a_passphrase_says_what_to_do()
    {
        var run = Cli.InProcessCli.Run("can", "serve", "--sync", "--port", "0", "--storage", "/nonexistent/x");

        Assert.Equal(EdgeSync.Cli.Commands.ExitCode.Usage, run.Code);
        Assert.Contains("sync_passphrase", run.Hint, StringComparison.Ordinal);
    }
}
