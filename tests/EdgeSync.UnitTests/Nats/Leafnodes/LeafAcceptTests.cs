using System.Text.Json;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Nats.Keys;
using EdgeSync.Primitives;
using EdgeSync.UnitTests.Nats.Keys;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>We are the hub; the peer is what real leaves were seen to send.</summary>
public sealed class LeafAcceptTests
{
    private const string RealConnect =
        """CONNECT {"version":"2.9.10","tls_required":false,"server_id":"ND2IOV2A5DRH7IZSCYARND4B6QULJ4O6SPQGALNCKMQQUOPC3PQYINOP","name":"leaf","cluster":"leaf","headers":true}""" + "\r\n";

    [Test]
    public void The_first_line_is_what_a_real_leaf_needs()
    {
        var info = Json(new LeafNode("hub").AcceptLeaf().Take());

        Assert.True(info.GetProperty("client_id").GetInt64() > 0);
        Assert.Equal(15, info.GetProperty("nonce").GetString()!.Length);
        Assert.True(info.GetProperty("headers").GetBoolean());
        Assert.Equal(1_048_576, info.GetProperty("max_payload").GetInt32());
        Assert.True(info.GetProperty("info_on_connect").GetBoolean());
        Assert.Empty(info.GetProperty("leafnode_urls").EnumerateArray());
        Assert.False(info.TryGetProperty("compression", out _));
        Assert.False(info.TryGetProperty("connect_info", out _));
    }

    [Test]
    public void Connect_is_answered_by_a_second_info_and_the_whole_interest()
    {
        var node = new LeafNode("hub");
        node.Client().Send("SUB foo 1\r\nSUB q.x workers 2\r\nSUB q.x workers 3\r\n");
        var leaf = node.AcceptLeaf();
        leaf.Take();

        var lines = leaf.Ask(RealConnect).Split("\r\n");

        var info = Json(lines[0]);
        Assert.True(info.GetProperty("connect_info").GetBoolean());
        Assert.Equal("$G", info.GetProperty("remote_account").GetString());
        Assert.False(info.TryGetProperty("nonce", out _));
        Assert.StartsWith("LS+ $LDS.", lines[1], StringComparison.Ordinal);
        Assert.Equal(["LS+ foo", "LS+ q.x workers 2"], lines[2..^1].Order());
        Assert.True(leaf.Link.IsUp);
        Assert.Equal("leaf", leaf.Link.Name);
    }

    [Test]
    public void Connect_with_nothing_in_it_is_enough()
    {
        var leaf = new LeafNode("hub").AcceptLeaf();

        leaf.Send("CONNECT {}\r\n");

        Assert.True(leaf.Link.IsUp);
    }

    [Test]
    [
        Arguments(
            """CONNECT {"lang":"go","name":"x"}""", "attempted to connect to leaf node port",
            CloseReason.IncorrectPort)]
    [Arguments("""CONNECT {"gateway":"east"}""", "attempted to connect to leaf node port", CloseReason.IncorrectPort)]
    [
        Arguments(
            """CONNECT {"name":"other","cluster":"hub"}""", "remote leafnode has same cluster name",
            CloseReason.ClusterNamesIdentical)]
    [Arguments("LS+ foo", "Authorization Violation", CloseReason.AuthenticationFailure)]
    [Arguments("PING", "Authorization Violation", CloseReason.AuthenticationFailure)]
    [
        Arguments(
            """CONNECT {"name":"old","version":"2.8.4"}""",
            "connection rejected since minimum version required is \"2.9.0\"", CloseReason.MinimumVersionRequired)]
    [
        Arguments(
            """CONNECT {"name":"old"}""", "connection rejected since minimum version required is \"2.9.0\"",
            CloseReason.MinimumVersionRequired)]
    public void Who_does_not_belong_here_is_refused(string said, string error, CloseReason reason)
    {
        var leaf = new LeafNode("hub", new LeafnodeOptions { MinimumVersion = "2.9.0" }).AcceptLeaf();
        leaf.Take();

        Assert.Equal($"-ERR '{error}'\r\n", leaf.Ask(said + "\r\n"));
        Assert.Equal(reason, leaf.Connection.CloseReason);
    }

    [Test]
    public void Silence_ends_with_an_authentication_timeout()
    {
        var node = new LeafNode("hub");
        var leaf = node.AcceptLeaf();
        leaf.Take();

        node.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal("-ERR 'Authentication Timeout'\r\n", leaf.Take());
        Assert.True(leaf.IsClosed);
    }

    // Real servers of 2.9 let a leaf without credentials in.
    [Test]
    [Arguments("""{"name":"leaf"}""", false)]
    [Arguments("""{"name":"leaf","user":"bob","pass":"wrong"}""", false)]
    [Arguments("""{"name":"leaf","user":"bob","pass":"secret"}""", true)]
    public void Leaves_authenticate(string connect, bool isWelcome)
    {
        var node = new LeafNode(
            "hub", options: o => o with { Users = [new BrokerUser { Name = "bob", Password = "secret" }] });
        var leaf = node.AcceptLeaf();
        Assert.True(Json(leaf.Take()).GetProperty("auth_required").GetBoolean());

        var answer = leaf.Ask($"CONNECT {connect}\r\n");

        Assert.Equal(isWelcome, leaf.Link.IsUp);
        if (!isWelcome) Assert.Equal("-ERR 'Authorization Violation'\r\n", answer);
    }

    // A URL with a user part alone comes as a user from 2.9.
    [Test]
    [Arguments("""{"user":"s3cret"}""")]
    [Arguments("""{"auth_token":"s3cret"}""")]
    public void A_token_is_taken_in_both_its_forms(string connect)
    {
        var leaf = new LeafNode("hub", options: o => o with { Token = "s3cret" }).AcceptLeaf();

        leaf.Send($"CONNECT {connect}\r\n");

        Assert.True(leaf.Link.IsUp);
    }

    [Test]
    public void An_nkey_leaf_signs_our_nonce()
    {
        var key = TestKeys.Numbered(3);
        var hub = new LeafNode("hub", options: o => o with { Users = [new BrokerUser { Name = key.GetPublicKey() }] });
        var leaf = new LeafNode("leaf", seed: 2);
        var remote = new LeafnodeRemote
        {
            Urls = ["hub"],
            Credentials = new NatsCredentials { NkeySeed = key.GetSeed() }
        };

        var cable = new LeafCable(leaf.Solicit(remote), hub.AcceptLeaf());
        while (cable.HasBytes) cable.Move(new Prng(1));
        Assert.True(cable.HubSide.Link.IsUp);

        var other = remote with { Credentials = new NatsCredentials { NkeySeed = TestKeys.Numbered(4).GetSeed() } };
        cable = new LeafCable(new LeafNode("other", seed: 3).Solicit(other), hub.AcceptLeaf());
        while (cable.HasBytes) cable.Move(new Prng(1));
        Assert.Equal(CloseReason.AuthenticationFailure, cable.HubSide.Connection.CloseReason);
    }

    [Test]
    public void A_link_of_the_same_name_replaces_the_older_one_before_its_loop_mark_looks_like_a_loop()
    {
        var node = new LeafNode("hub");
        var older = node.AcceptLeaf();
        older.Send(RealConnect + "LS+ $LDS.leafleafleafleafleafle\r\nLS+ foo\r\n");
        older.Take();
        var newer = node.AcceptLeaf();
        newer.Take();

        var told = newer.Ask(RealConnect);

        Assert.EndsWith("-ERR 'Duplicate Remote LeafNode Connection'\r\n", older.Take(), StringComparison.Ordinal);
        Assert.Equal(CloseReason.DuplicateRemoteLeafnode, older.Connection.CloseReason);
        Assert.True(newer.Link.IsUp);
        Assert.DoesNotContain("leafleaf", told, StringComparison.Ordinal);
        Assert.Equal(1, node.Core.LeafCount);
    }

    [Test]
    public void Permissions_are_announced_and_enforced()
    {
        var node = new LeafNode("hub", options: o => o with
        {
            Users =
            [
                new BrokerUser
                {
                    Name = "bob", Password = "secret",
                    Subscribe = new SubjectPermissions(["down.>"], []),
                    Publish = new SubjectPermissions(["up.>"], ["up.secret"]),
                },
                new BrokerUser { Name = "all", Password = "x" },
            ],
        });
        var client = node.Client("""{"user":"all","pass":"x","headers":true}""");
        client.Send("SUB up.x 1\r\nSUB other 2\r\nSUB > 3\r\n");
        var leaf = node.AcceptLeaf();
        leaf.Take();

        var lines = leaf.Ask("""CONNECT {"name":"leaf","user":"bob","pass":"secret"}""" + "\r\n").Split("\r\n");

        var info = Json(lines[0]);
        Assert.Equal("""{"allow":["down.>"]}""", info.GetProperty("import").GetRawText());
        Assert.Equal("""{"allow":["up.>","$LDS.>"],"deny":["up.secret"]}""", info.GetProperty("export").GetRawText());
        // What the leaf may not publish is not subscribed; a wildcard that holds some of it is.
        Assert.Equal(["LS+ >", "LS+ up.x"], lines[2..^1].Order());

        // A wildcard wider than allowed is let through and filtered.
        leaf.Send("LS+ >\r\n");
        client.Send("PUB secret 1\r\nx\r\nPUB down.a 1\r\ny\r\n");
        Assert.Equal("LMSG down.a 1\r\ny\r\n", leaf.Take());

        client.Take();
        leaf.Send("LMSG up.x 1\r\nx\r\n");
        Assert.Equal("MSG up.x 3 1\r\nx\r\nMSG up.x 1 1\r\nx\r\n", client.Take());
        Assert.Equal(
            "-ERR 'Permissions Violation for Publish to \"up.secret\"'\r\n", leaf.Ask("LMSG up.secret 1\r\nx\r\n"));
        Assert.True(leaf.IsClosed);
        Assert.Equal("", client.Take());
    }

    [Test]
    public void Interest_in_one_forbidden_subject_ends_the_link()
    {
        var node = new LeafNode("hub", options: o => o with
        {
            Users = [
                new BrokerUser { Name = "bob", Password = "secret",
                    Subscribe = new SubjectPermissions(["down.>"], []) }],
        });
        var leaf = node.AcceptLeaf();
        leaf.Ask("""CONNECT {"name":"leaf","user":"bob","pass":"secret"}""" + "\r\n");

        Assert.Equal(
            "-ERR 'Permissions Violation for Subscription to \"up.x\"'\r\n", leaf.Ask("LS+ down.x\r\nLS+ up.x\r\n"));
        Assert.True(leaf.IsClosed);
        Assert.Equal(0, node.Links.Interest.Count);
    }

    [Test]
    public void Subjects_that_the_leaf_denies_do_not_go_there()
    {
        var node = new LeafNode("hub");
        var leaf = node.AcceptLeaf();
        leaf.Ask("""CONNECT {"version":"2.9.10","cluster":"leaf","headers":true,"deny_pub":["in.secret"]}""" + "\r\nLS+ >\r\n");

        node.Client().Send("PUB in.secret 1\r\nx\r\nPUB in.open 1\r\ny\r\n");

        Assert.Equal("LMSG in.open 1\r\ny\r\n", leaf.Take());
    }

    internal static JsonElement Json(string infoLine)
    {
        var line = infoLine.Split("\r\n")[0];
        Assert.StartsWith("INFO {", line, StringComparison.Ordinal);
        return JsonDocument.Parse(line["INFO ".Length..]).RootElement;
    }
}
