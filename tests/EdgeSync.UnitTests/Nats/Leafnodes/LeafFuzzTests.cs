using System.Text;
using EdgeSync.Nats.Broker.Leafnodes;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Leafnodes;

/// <summary>
/// Spoiled dialogues from either side of a link. Whatever comes, the core does not throw, what goes to clients stays
/// the protocol, and a link that ends leaves nothing behind.
/// </summary>
public sealed class LeafFuzzTests
{
    private static readonly byte[][] FromLeaf =
    [
        Bytes("""CONNECT {"version":"2.9.10","name":"leaf","cluster":"leaf","headers":true,"deny_pub":["in.>"]}""" + "\r\n"),
        Bytes("LS+ $LDS.8Xpkf8RI1qzEcsNwjxSgGw\r\nLS+ foo\r\nLS+ q.x workers 2\r\nLS+ >\r\nLS- foo\r\nLS- q.x "
            + "workers\r\n"),
        Bytes(
            "LMSG foo 5\r\nhello\r\nLMSG foo re.ply 2\r\nhi\r\nLMSG q.x | a workers 3\r\nabc\r\nLMSG q.x + r.1 a "
                + "workers 3\r\nabc\r\n"),
        Bytes(
            "HMSG foo rr 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\nHMSG q.x + r workers 12 "
                + "14\r\nNATS/1.0\r\n\r\nab\r\nPING\r\nPONG\r\n"),
        Bytes(
            "LMSG foo $JS.ACK.S.C.1.1.1.1.0@s.x 5\r\nhello\r\n-ERR 'Something'\r\nLS+ a.*.b.> q 100000\r\nLS+ foo "
                + "workers 0\r\n"),
    ];

    private static readonly byte[][] FromHub =
    [
        Bytes("""INFO {"server_id":"NA","server_name":"hub","version":"2.9.10","headers":true,"max_payload":1000,"client_id":5,"nonce":"UaXEgEZfWJK-sfg","info_on_connect":true,"leafnode_urls":["127.0.0.1:1"]} """ + "\r\n"),
        Bytes("""INFO {"client_id":5,"connect_info":true,"import":{"allow":["foo","q.\u003e"]},"export":{"deny":["x"]},"remote_account":"$G"} """ + "\r\n"),
        .. FromLeaf[1..],
    ];

    [Test]
    public void A_spoiled_leaf_does_no_harm() =>
        Property.Check(prng => Run(prng, FromLeaf, node => node.AcceptLeaf()), runs: 1_500);

    [Test]
    public void A_spoiled_hub_does_no_harm() =>
        Property.Check(prng => Run(prng, FromHub, node => node.Solicit()), runs: 1_500);

    private static void Run(Prng prng, byte[][] dialogue, Func<LeafNode, ScriptedPeer> open)
    {
        var node = new LeafNode(
            "ours", new LeafnodeOptions { InterestMax = 20, PendingBytesMax = 100_000 }, seed: prng.NextUInt64());
        var client = node.Client();
        client.Send("SUB foo 1\r\nSUB q.* workers 2\r\nSUB > 3\r\n");
        var other = node.AcceptLeaf();
        other.Ask("""CONNECT {"name":"other","cluster":"other","headers":true}""" + "\r\nLS+ foo\r\n");
        var (subscriptions, interest) = (node.Core.Subscriptions.Count, node.Links.Interest.Count);
        client.Take();

        var peer = open(node);
        foreach (var part in dialogue)
        {
            var bytes = prng.Chance(0.5) ? part : Mutation.OfBytes(prng, part, dialogue);
            while (bytes.Length > 0)
            {
                var size = prng.Chance(0.3) ? prng.NextInt32(1, bytes.Length + 1) : bytes.Length;
                peer.Send(bytes.AsSpan(0, size));
                bytes = bytes[size..];
            }

            if (prng.Chance(0.3)) node.Advance(TimeSpan.FromSeconds(prng.NextInt32(3)));
            MustBeProtocol(client.Take());
        }

        peer.Cut();
        Assert.False(client.IsClosed);
        Assert.False(other.IsClosed, other.Link.CloseDetail);
        Assert.Equal(subscriptions, node.Core.Subscriptions.Count);
        Assert.Equal(interest, node.Links.Interest.Count);
        Assert.Equal(1, node.Core.LeafCount);
    }

    /// <summary>Only whole messages with the sizes that they announce.</summary>
    private static void MustBeProtocol(string text)
    {
        while (text.Length > 0)
        {
            var end = text.IndexOf("\r\n", StringComparison.Ordinal);
            Assert.True(end >= 0, text);
            var words = text[..end].Split(' ');
            if (words[0] is "PING")
            {
                text = text[(end + 2)..];
                continue;
            }

            Assert.True(words[0] is "MSG" or "HMSG" && words.Length is >= 4 and <= 6, text);
            var size = int.Parse(words[^1], System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal("\r\n", text.Substring(end + 2 + size, 2));
            text = text[(end + 2 + size + 2)..];
        }
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
}
