using System.Buffers;
using System.Text;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Wire;

public class HandshakeJsonTests
{
    // Captured from a hub of nats-server 2.9.10.
    private const string HubInfo = """
        {"server_id":"NA6MBFLJDI2DLZUFRJ5U4WXIOAUP6ZP77WMUIHDZCFJGVPXRREGYXHJK","server_name":"hub","version":"2.9.10","proto":1,"go":"go1.19.8","host":"127.0.0.1","port":48337,"headers":true,"auth_required":true,"max_payload":1048576,"ip":"127.0.0.1:48337","client_id":5,"nonce":"UaXEgEZfWJK-sfg","info_on_connect":true,"leafnode_urls":["127.0.0.1:48337"]}
        """;

    private const string LeafConnect = """
        {"version":"2.9.10","tls_required":false,"server_id":"ND2IOV2A5DRH7IZSCYARND4B6QULJ4O6SPQGALNCKMQQUOPC3PQYINOP","name":"leaf","cluster":"leaf","headers":true}
        """;

    [Test]
    public void Reads_the_INFO_of_a_hub()
    {
        Assert.True(ServerInfo.TryParse(Encoding.UTF8.GetBytes(HubInfo), out var info));

        Assert.Equal(
            ("hub", "2.9.10", 1, 48337, 1 << 20, 5L),
            (info.ServerName, info.Version, info.ProtocolVersion, info.Port, info.MaxPayload, info.ClientId));
        Assert.True(info.HeadersSupported && info.AuthRequired && info.InfoOnConnect);
        Assert.False(info.TlsRequired || info.LameDuckMode || info.ConnectInfo);
        Assert.Equal("UaXEgEZfWJK-sfg", info.Nonce);
        Assert.Equal(["127.0.0.1:48337"], info.LeafnodeUrls);
    }

    [Test]
    public void Reads_escaped_permissions_and_skips_the_unknown()
    {
        const string Json = """
            {"api_lvl":5,"xkey":{"a":[1,{"b":null}]},"import":{"allow":["down.\u003e"],"more":1},"export":{"allow":["up.\u003e","$LDS.\u003e"],"deny":["up.x"]},"connect_info":true,"remote_account":"A","ldm":null}
            """;

        Assert.True(ServerInfo.TryParse(Encoding.UTF8.GetBytes(Json), out var info));

        Assert.Equal(["down.>"], info.Import!.Allow);
        Assert.Equal(["up.>", "$LDS.>"], info.Export!.Allow);
        Assert.Equal(["up.x"], info.Export.Deny);
        Assert.True(info.ConnectInfo);
        Assert.Equal("A", info.RemoteAccount);
        Assert.Null(info.LeafnodeUrls);
    }

    [Test]
    public void Distinguishes_a_leaf_from_a_client_and_keeps_its_fields()
    {
        Assert.True(
            ConnectOptions.TryParse(
                Encoding.UTF8.GetBytes(LeafConnect), ConnectOptions.ServerDefaults, out var connect));

        Assert.True(connect.IsLeaf);
        Assert.Equal(("leaf", "leaf", "2.9.10"), (connect.Name, connect.Cluster, connect.Version));
        Assert.True(connect.Verbose && connect.Pedantic && connect.Echo);
    }

    [Test]
    public void A_second_CONNECT_overwrites_only_what_it_names()
    {
        Assert.True(
            ConnectOptions.TryParse(
                """{"verbose":false,"name":"a","user":"u"}"""u8, ConnectOptions.ServerDefaults, out var first));
        Assert.True(ConnectOptions.TryParse("""{"echo":false,"name":"b"}"""u8, first, out var second));

        Assert.Equal(
            (false, true, false, "b", "u"), (second.Verbose, second.Pedantic, second.Echo, second.Name, second.User));
        Assert.Equal("a", first.Name);
    }

    [Test]
    [Arguments("")]
    [Arguments("{")]
    [Arguments("[]")]
    [Arguments("null")]
    [Arguments("{\"verbose\":1}")]
    [Arguments("{\"name\":7}")]
    [Arguments("{\"protocol\":\"1\"}")]
    [Arguments("{\"protocol\":1.5}")]
    [Arguments("{\"deny_pub\":\"a\"}")]
    [Arguments("{\"deny_pub\":[1]}")]
    [Arguments("{\"name\":\"\\ud800\"}")]
    [Arguments("{} x")]
    public void Rejects_other_JSON(string json) =>
        Assert.False(ConnectOptions.TryParse(Encoding.UTF8.GetBytes(json), new ConnectOptions(), out _));

    [Test]
    public void Writes_INFO_and_CONNECT_as_lines()
    {
        var output = new ArrayBufferWriter<byte>();
        NatsOpWriter.WriteInfo(
            output,
            new ServerInfo
            {
                ServerId = "S",
                ServerName = "n",
                Version = "v",
                Port = 1,
                HeadersSupported = true,
                MaxPayload = 9,
                LeafnodeUrls = []
            });
        NatsOpWriter.WriteConnect(output, new ConnectOptions { Name = "a>b", Language = "l", Headers = true });

        Assert.Equal(
            "INFO {\"server_id\":\"S\",\"server_name\":\"n\",\"version\":\"v\",\"proto\":1,\"host\":\"\",\"port\":1,"
            + "\"headers\":true,\"max_payload\":9,\"leafnode_urls\":[]} \r\n"
            + "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"name\":\"a>b\",\"lang\":\"l\","
            + "\"echo\":true,\"headers\":true}\r\n",
            Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Test]
    public void No_bytes_make_it_throw() => Property.Check(
        prng =>
        {
            var json = Mutation.OfBytes(prng, Encoding.UTF8.GetBytes(prng.Chance(0.5) ? HubInfo : LeafConnect), []);

            if (ServerInfo.TryParse(json, out var info)) Assert.Equal(info, Again(info));
            ConnectOptions.TryParse(json, ConnectOptions.ServerDefaults, out _);
        },
        runs: 3000);

    [Test]
    public void NUIDs_are_all_different_and_made_of_letters_and_digits()
    {
        var nuid = new Nuid(new SeededEntropy(1));
        var names = Enumerable.Range(0, 10_000).Select(_ => nuid.Next()).ToList();

        Assert.Equal(names.Count, names.Distinct().Count());
        Assert.All(names, name => Assert.True(name.Length == Nuid.Length && name.All(char.IsAsciiLetterOrDigit)));
        Assert.NotEqual(names[0][..12], new Nuid(new SeededEntropy(2)).Next()[..12]);
    }

    /// <summary>What was read, written and read again; lists compare by what they hold.</summary>
    private static ServerInfo Again(ServerInfo info)
    {
        var output = new ArrayBufferWriter<byte>();
        info.WriteJson(output);
        Assert.True(ServerInfo.TryParse(output.WrittenSpan, out var again));
        Assert.Equal(info.LeafnodeUrls ?? [], again.LeafnodeUrls ?? []);
        Assert.Equal(info.ClientConnectUrls, again.ClientConnectUrls);
        return again with
        {
            LeafnodeUrls = info.LeafnodeUrls,
            ClientConnectUrls = info.ClientConnectUrls,
            WebSocketConnectUrls = info.WebSocketConnectUrls,
            Import = info.Import,
            Export = info.Export,
        };
    }
}
