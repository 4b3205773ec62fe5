using System.Text;
using System.Text.Json;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Nats.Keys;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>We are the leaf; the peer is what real hubs were seen to send.</summary>
public sealed class LeafSolicitTests
{
    private const string Info2_9 =
        """INFO {"server_id":"NA6MBFLJDI2DLZUFRJ5U4WXIOAUP6ZP77WMUIHDZCFJGVPXRREGYXHJK","server_name":"hub","version":"2.9.10","proto":1,"go":"go1.19.8","host":"127.0.0.1","port":48337,"headers":true,"auth_required":true,"max_payload":1048576,"ip":"127.0.0.1:48337","client_id":5,"nonce":"UaXEgEZfWJK-sfg","info_on_connect":true,"leafnode_urls":["127.0.0.1:48337"]} """ + "\r\n";

    private const string Answer2_9 =
        """INFO {"server_id":"NA6MBFLJDI2DLZUFRJ5U4WXIOAUP6ZP77WMUIHDZCFJGVPXRREGYXHJK","server_name":"hub","version":"2.9.10","proto":1,"go":"go1.19.8","host":"127.0.0.1","port":48337,"headers":true,"auth_required":true,"max_payload":1048576,"ip":"127.0.0.1:48337","client_id":5,"info_on_connect":true,"connect_info":true,"leafnode_urls":["127.0.0.1:48337"],"remote_account":"$G"} """
        + "\r\nLS+ $SYS.REQ.ACCOUNT.PING.STATZ\r\nLS+ $SYS.REQ.ACCOUNT.PING.CONNZ\r\nLS+ "
            + "$SYS.REQ.SERVER.PING.CONNZ\r\nLS+ $LDS.tuoM6jkj5n6QfGjp0GbWnq\r\n";

    private const string Info2_15 =
        """INFO {"server_id":"NB","server_name":"hub","version":"2.15.1","proto":3,"headers":true,"max_payload":1048576,"client_id":7,"nonce":"WemqNsDSULsBcTE","compression":"s2_auto","api_lvl":5,"info_on_connect":true,"leafnode_urls":["127.0.0.1:36745"]} """ + "\r\n";

    [Test]
    public void CONNECT_authenticates_and_interest_waits_for_the_reply()
    {
        var node = new LeafNode("edge");
        node.Client().Send("SUB foo 1\r\n");
        var hub = node.Solicit();
        Assert.Equal("", hub.Take());

        var connect = Connect(hub.Ask(Info2_9));

        Assert.Equal("edge", connect.GetProperty("name").GetString());
        Assert.Equal("edge", connect.GetProperty("cluster").GetString());
        Assert.Equal("2.12.0", connect.GetProperty("version").GetString());
        Assert.True(connect.GetProperty("headers").GetBoolean());
        Assert.Equal("$G", connect.GetProperty("remote_account").GetString());
        Assert.False(connect.TryGetProperty("lang", out _));
        Assert.False(hub.Link.IsUp);

        var told = hub.Ask(Answer2_9);

        Assert.StartsWith("LS+ $LDS.", told, StringComparison.Ordinal);
        Assert.EndsWith("\r\nLS+ foo\r\n", told, StringComparison.Ordinal);
        Assert.True(hub.Link.IsUp);
        Assert.Equal(["127.0.0.1:48337"], ((SolicitedLeaf)hub.Link).AnnouncedUrls);
    }

    [Test]
    public void Everything_may_come_in_one_read()
    {
        var hub = new LeafNode("edge").Solicit();

        hub.Send(Info2_9 + Answer2_9);

        Assert.True(hub.Link.IsUp);
        Assert.Equal(4, hub.Link.Interest.Count);
    }

    [Test]
    public void Everything_may_come_byte_by_byte()
    {
        var node = new LeafNode("edge");
        var client = node.Client();
        client.Send("SUB foo 1\r\n");
        var hub = node.Solicit();

        foreach (var b in Encoding.ASCII.GetBytes(Info2_9 + Answer2_9 + "LMSG foo 5\r\nhello\r\n")) hub.Send([b]);

        Assert.Equal("MSG foo 1 5\r\nhello\r\n", client.Take());
    }

    [Test]
    public void Without_an_answer_announced_interest_follows_connect_at_once()
    {
        var hub = new LeafNode("edge").Solicit();

        var said = hub.Ask("""INFO {"client_id":1,"leafnode_urls":["127.0.0.1:7422"]}""" + "\r\n");

        Assert.Contains("\r\nLS+ $LDS.", said, StringComparison.Ordinal);
        Assert.True(hub.Link.IsUp);
    }

    [Test]
    public void A_hub_that_compresses_is_joined_in_plain_bytes()
    {
        var connect = Connect(new LeafNode("edge").Solicit().Ask(Info2_15));

        Assert.Equal("not supported", connect.GetProperty("compress_mode").GetString());
    }

    [Test]
    [Arguments("2.9.10", "LS+ q workers 1\r\n", "LS- q workers\r\n")]
    [Arguments("2.10.22", "LS+ q workers 1\r\n", "LS- q workers\r\n")]
    [Arguments("2.10.23", "LS+ q workers 1\r\nLS+ q workers 2\r\nLS+ q workers 1\r\n", "LS- q workers\r\n")]
    public void Old_hubs_get_no_weights(string version, string told, string withdrawn)
    {
        var node = new LeafNode("edge");
        var hub = node.Solicit();
        hub.Send($$"""INFO {"client_id":1,"version":"{{version}}","leafnode_urls":[]}""" + "\r\n");
        hub.Take();
        var client = node.Client();

        client.Send("SUB q workers 1\r\nSUB q workers 2\r\nUNSUB 1\r\n");
        Assert.Equal(told, hub.Take());
        client.Send("UNSUB 2\r\n");
        Assert.Equal(withdrawn, hub.Take());
    }

    [Test]
    public void Subjects_denied_to_the_hub_do_not_cross()
    {
        var node = new LeafNode("edge");
        var client = node.Client();
        client.Send("SUB down.x 1\r\nSUB up.x 2\r\nSUB > 3\r\n");
        var hub = node.Solicit();
        hub.Send(Info2_9);
        hub.Take();

        var told = hub.Ask(
            """INFO {"client_id":5,"connect_info":true,"import":{"allow":["down.\u003e"]},"export":{"allow":["up.\u003e","$LDS.\u003e"]},"remote_account":"A"} """
            + "\r\nLS+ up.*\r\nLS+ >\r\n");

        Assert.Equal(["LS+ >", "LS+ down.x"], told.Split("\r\n")[1..^1].Order());
        client.Send("PUB up.a 1\r\nx\r\nPUB other 1\r\nx\r\n");
        Assert.Equal("LMSG up.a 1\r\nx\r\n", hub.Take());
        client.Take();
        hub.Send("LMSG secret 1\r\nx\r\nLMSG down.x 1\r\ny\r\n");
        Assert.Equal("MSG down.x 3 1\r\ny\r\nMSG down.x 1 1\r\ny\r\n", client.Take());
        Assert.False(hub.IsClosed);
    }

    [Test]
    public void Own_denials_are_enforced_and_announced()
    {
        var node = new LeafNode("edge");
        var client = node.Client();
        client.Send("SUB in.secret 1\r\nSUB in.open 2\r\n");
        var hub = node.Solicit(
            new LeafnodeRemote { Urls = ["hub"], DenyImports = ["in.secret"], DenyExports = ["out.secret"] });

        Assert.Equal("""["in.secret"]""", Connect(hub.Ask(Info2_9)).GetProperty("deny_pub").GetRawText());
        Assert.EndsWith("\r\nLS+ in.open\r\n", hub.Ask(Answer2_9), StringComparison.Ordinal);
        hub.Send("LMSG in.secret 1\r\nx\r\nLS+ out.>\r\n");
        Assert.Equal("", client.Take());
        client.Send("PUB out.secret 1\r\nx\r\nPUB out.open 1\r\ny\r\n");
        Assert.Equal("LMSG out.open 1\r\ny\r\n", hub.Take());
    }

    [Test]
    public void The_hubs_max_payload_is_kept()
    {
        var node = new LeafNode("edge");
        var hub = node.Solicit();
        hub.Send("""INFO {"client_id":1,"max_payload":10,"headers":true,"leafnode_urls":[]}""" + "\r\nLS+ foo\r\n");
        hub.Take();

        node.Client().Send("PUB foo 11\r\n12345678901\r\nPUB foo 10\r\n1234567890\r\n");

        Assert.Equal("LMSG foo 10\r\n1234567890\r\n", hub.Take());
        Assert.Equal(1, hub.Link.DroppedMessages);
    }

    [Test]
    public void A_request_too_large_for_the_hub_gets_503()
    {
        var node = new LeafNode("edge");
        var hub = node.Solicit();
        hub.Send("""INFO {"client_id":1,"max_payload":10,"leafnode_urls":[]}""" + "\r\nLS+ svc\r\n");
        var client = node.Client();

        client.Send("SUB in 1\r\nPUB svc in 11\r\n12345678901\r\n");

        Assert.StartsWith("HMSG in 1 16 16\r\nNATS/1.0 503", client.Take(), StringComparison.Ordinal);
    }

    [Test]
    public void TLS_starts_before_anything_is_sent()
    {
        var node = new LeafNode("edge");
        var hub = node.Solicit();
        var link = (SolicitedLeaf)hub.Link;

        Assert.Equal("", hub.Ask("""INFO {"client_id":1,"tls_required":true,"leafnode_urls":[]}""" + "\r\n"));
        Assert.True(link.NeedsTls);
        link.OnSecured(node.Now);
        Assert.StartsWith("CONNECT {", hub.Take(), StringComparison.Ordinal);
    }

    [Test]
    public void Our_own_wish_for_tls_needs_no_word_of_the_hub()
    {
        var hub = new LeafNode("edge").Solicit(wantsTls: true);

        Assert.Equal("", hub.Ask(Info2_9));
        Assert.True(((SolicitedLeaf)hub.Link).NeedsTls);
    }

    [Test]
    [Arguments("""INFO {"leafnode_urls":["a:1"]}""", CloseReason.IncorrectPort, true)]
    [Arguments("""INFO {"client_id":1,"cluster":"edge"}""", CloseReason.ClusterNamesIdentical, true)]
    [Arguments("""INFO [1]""", CloseReason.ParseError, false)]
    [Arguments("""INFO {"client_id":"many"}""", CloseReason.ParseError, false)]
    [Arguments("CONNECT {}", CloseReason.ProtocolViolation, false)]
    [Arguments("LS+ foo", CloseReason.ProtocolViolation, false)]
    [Arguments("-ERR 'Authorization Violation'", CloseReason.AuthenticationFailure, false)]
    [
        Arguments(
            "-ERR 'Loop detected for leafnode account=\"$G\". Delaying attempt to reconnect for 30s'",
            CloseReason.LeafnodeLoop, true)]
    [Arguments("-ERR 'remote leafnode has same cluster name'", CloseReason.ClusterNamesIdentical, true)]
    [
        Arguments(
            "-ERR 'connection rejected since minimum version required is \"2.14.0\"'",
            CloseReason.MinimumVersionRequired, true)]
    [Arguments("-ERR 'Duplicate Remote LeafNode Connection'", CloseReason.DuplicateRemoteLeafnode, true)]
    [Arguments("-ERR 'Permissions Violation for Subscription to \"up.x\"'", CloseReason.ProtocolViolation, true)]
    public void What_ends_the_link_and_whether_to_wait_long(string said, CloseReason reason, bool isRefused)
    {
        var hub = new LeafNode("edge").Solicit();

        hub.Send(said + "\r\n");

        Assert.Equal(reason, hub.Connection.CloseReason);
        Assert.Equal(isRefused, hub.Link.IsRefused);
        Assert.NotEmpty(hub.Link.CloseDetail);
    }

    [Test]
    public void A_silent_hub_is_given_up()
    {
        var node = new LeafNode("edge");
        var silent = node.Solicit();
        node.Advance(TimeSpan.FromSeconds(10.1));
        Assert.Equal(CloseReason.StaleConnection, silent.Connection.CloseReason);

        var forgetful = node.Solicit();
        forgetful.Ask(Info2_9);
        node.Advance(TimeSpan.FromSeconds(10.1));
        Assert.Equal("-ERR 'Stale Leaf Node Connection - Closing'\r\n", forgetful.Take());
        Assert.True(forgetful.IsClosed);
    }

    [Test]
    [Arguments("nats-leaf://bob:se%20cret@hub", "bob", "se cret", null)]
    [Arguments("nats-leaf://t0ken@hub", "t0ken", null, "t0ken")]
    public void Credentials_may_be_part_of_the_address(string url, string user, string? password, string? token)
    {
        var connect = Connect(new LeafNode("edge").Solicit(new LeafnodeRemote { Urls = [url] }).Ask(Info2_9));

        Assert.Equal(user, connect.GetProperty("user").GetString());
        Assert.Equal(password, connect.TryGetProperty("pass", out var pass) ? pass.GetString() : null);
        Assert.Equal(token, connect.TryGetProperty("auth_token", out var auth) ? auth.GetString() : null);
        Assert.Equal("nats-leaf://hub:7422", new LeafnodeRemote { Urls = [url] }.DisplayName);
    }

    // Spec: the vector of the nonce of the captured INFO.
    [Test]
    public void A_key_signs_the_nonce_of_the_first_info()
    {
        const string Seed = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y";
        var remote = new LeafnodeRemote { Urls = ["hub"], Credentials = new NatsCredentials { NkeySeed = Seed } };

        var connect = Connect(new LeafNode("edge").Solicit(remote).Ask(Info2_9));

        Assert.Equal(
            "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK", connect.GetProperty("nkey").GetString());
        Assert.Equal(
            "V0Je-ltniyuIEpGt3xf6cLgroCQqXmjySwSXH-KrVDOXUotkKbNpfTiIN1GGDOojlPvQAGz26QRAOviB_eMzCQ",
            connect.GetProperty("sig").GetString());

        var creds =
            $"-----BEGIN NATS USER JWT-----\r\ne.y.J\r\n------END NATS USER JWT------\r\n\r\n-----BEGIN USER NKEY "
                + $"SEED-----\r\n{Seed}\r\n------END USER NKEY SEED------\r\n";
        connect = Connect(
            new LeafNode("edge").Solicit(
                remote with { Credentials = new NatsCredentials { CredsText = creds } }).Ask(Info2_9));
        Assert.Equal("e.y.J", connect.GetProperty("jwt").GetString());
        Assert.StartsWith("V0Je-", connect.GetProperty("sig").GetString(), StringComparison.Ordinal);
        Assert.False(connect.TryGetProperty("nkey", out _));
    }

    [Test]
    public void A_damaged_key_is_reported_and_not_printed()
    {
        var hub = new LeafNode("edge").Solicit(
            new LeafnodeRemote { Urls = ["hub"], Credentials = new NatsCredentials { NkeySeed = "SUNONSENSE" } });

        hub.Send(Info2_9);

        Assert.True(hub.IsClosed);
        Assert.Contains("damaged", hub.Link.CloseDetail, StringComparison.Ordinal);
        Assert.DoesNotContain("NONSENSE", hub.Link.CloseDetail, StringComparison.Ordinal);
    }

    internal static JsonElement Connect(string said)
    {
        var line = said.Split("\r\n")[0];
        Assert.StartsWith("CONNECT {", line, StringComparison.Ordinal);
        return JsonDocument.Parse(line["CONNECT ".Length..]).RootElement;
    }
}
