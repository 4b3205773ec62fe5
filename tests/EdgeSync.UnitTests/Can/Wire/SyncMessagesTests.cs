using System.Buffers;
using EdgeSync.Can.Assets;
using EdgeSync.Can.Wire;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Can.Wire;

/// <summary>The golden bytes follow from the field numbers and protobuf's encoding, written down by hand.</summary>
public sealed class SyncMessagesTests
{
    private const string Hello = "b4cb4c0c3e5a980b7e3389a5e1ae63303a399173bbf2b20a393e96d8cc88da22";

    // 1773014400123 as a varint.
    private const string Timestamp = "FBF892FFCC33";

    private static readonly string HashField =
        "0A40" + Convert.ToHexString(System.Text.Encoding.ASCII.GetBytes(Hello));

    private static readonly AssetHash Hash = AssetHash.Of(1773014400123, "hello"u8);

    [Test]
    public void A_digest()
    {
        var digest = new AssetDigest(Hash, 1773014400123, 5, true, 7);
        var golden = "0A4F" + HashField + "10" + Timestamp + "1805" + "2001" + "2807";

        Assert.Equal(golden, Hex(digest.WriteTo));
        Assert.True(AssetDigest.TryParseAll(Convert.FromHexString(golden + golden), out var read));
        Assert.Equal(2, read.Count);
        Assert.Equal(digest, read[1]);
    }

    [Test]
    public void A_pull_request()
    {
        Assert.Equal(HashField, Hex(target => PullRequest.Write([Hash], target)));
        Assert.True(PullRequest.TryParse(Convert.FromHexString("0A0178" + HashField), out var hashes));
        Assert.Equal(Hello, Assert.Single(hashes).ToString());
    }

    [Test]
    public void A_change()
    {
        var update = new MetaUpdate(Hash, "d", ["a", "b"], true, 7);
        var golden = HashField + "120164" + "1A0161" + "1A0162" + "2001" + "2807";

        Assert.Equal(golden, Hex(update.WriteTo));
        Assert.True(MetaUpdate.TryParse(Convert.FromHexString(golden), out var read));
        Assert.Equal(
            "d a,b True 7",
            $"{read.Description} {TagList.Join(read.Tags)} {read.IsTrashed} {read.MetaUpdatedAtMs}");
    }

    [Test]
    public void Replies()
    {
        Assert.Equal(HashField + "1001", Convert.ToHexString(SyncReplies.Pushed(Hash, true)));
        Assert.Equal("0801", Convert.ToHexString(SyncReplies.Applied(true)));
        Assert.Equal("", Convert.ToHexString(SyncReplies.Applied(false)));
    }

    [Test]
    public void A_bundle_around_its_content()
    {
        var (head, tail) = Bundle().Frame();
        var golden = HashField + "10" + Timestamp + "1A0A746578742F706C61696E" + "220161" + "32026464"
            + "3A05612E747874" + "4A0178" + "5805" + "6205";

        var size = (golden.Length / 2) + "hello".Length + tail.Length;

        Assert.Equal(
            "0A" + size.ToString("X2", System.Globalization.CultureInfo.InvariantCulture) + golden,
            Convert.ToHexString(head));
        Assert.Equal("6807", Convert.ToHexString(tail));
    }

    [Test]
    public void A_bundle_is_the_same_in_any_pieces()
    {
        foreach (var pieces in Splits.Of(Push()))
        {
            var parser = new BundleParser();
            var content = new List<byte>();
            foreach (var piece in pieces) Assert.True(Feed(parser, piece.Span, content));

            Assert.True(parser.TryFinish(out var bundle));
            Assert.Equal(1773014400123, parser.EarlyTimestampMs);
            Assert.Equal("hello"u8.ToArray(), content.ToArray());
            Assert.Equal((Hash.ToString(), 5L, 7L), (bundle.Hash.ToString(), bundle.Size, bundle.MetaUpdatedAtMs));
            Assert.Equal(("a", "dd", "a.txt", "x"), (
                bundle.Details.Application, bundle.Details.Description, bundle.Details.HumanFileName,
                TagList.Join(bundle.Details.Tags)));
        }
    }

    [Test]
    public void A_bundle_that_is_cut_off_is_none()
    {
        foreach (var prefix in Splits.Prefixes(Push()))
        {
            var parser = new BundleParser();
            Feed(parser, prefix, []);
            Assert.False(parser.TryFinish(out _));
        }
    }

    [Test]
    public void Fields_may_come_in_any_order_and_unknown_ones_are_skipped()
    {
        var inner = "6207" + "00010203040506" + "F801" + "05" + "8A0102AABB" + "9101" + "0000000000000000" + "10"
            + Timestamp + HashField;
        var size = (inner.Length / 2).ToString("X2", System.Globalization.CultureInfo.InvariantCulture);
        var parser = new BundleParser();
        var content = new List<byte>();

        Assert.True(Feed(parser, Convert.FromHexString("120100" + "0A" + size + inner), content));
        Assert.True(parser.TryFinish(out var bundle));
        Assert.Null(parser.EarlyTimestampMs);
        Assert.Equal(7, content.Count);
        Assert.Equal(1773014400123, bundle.TimestampMs);
    }

    [Test]
    [Arguments("0A00")]                          // no hash
    [Arguments("0A0462FFFFFF")]                  // a content longer than the bundle
    [Arguments("0AFFFFFFFFFFFFFFFFFF01")]        // a bundle beyond 63 bits
    [Arguments("00")]                            // field 0
    [Arguments("0B")]                            // a group
    [Arguments("0AFFFFFFFFFFFFFFFFFFFF01")]      // a number of eleven bytes
    [Arguments("0A066201616201620A00")]          // two contents
    public void What_is_no_message_is_refused(string hex)
    {
        var parser = new BundleParser();

        Assert.False(Feed(parser, Convert.FromHexString(hex), []) && parser.TryFinish(out _));
    }

    [Test]
    public void No_input_makes_a_parser_throw() => Property.Check(prng =>
    {
        var bytes = Push();
        for (var i = 0; i < 3; i++) bytes[prng.NextInt32(bytes.Length)] = (byte)prng.NextInt32(256);
        var parser = new BundleParser();
        if (Feed(parser, bytes, [])) parser.TryFinish(out _);
        _ = MetaUpdate.TryParse(bytes, out _);
        _ = PullRequest.TryParse(bytes, out _);
        _ = AssetDigest.TryParseAll(bytes, out _);
    });

    [Test]
    public void Of_two_changes_the_later_one_wins_and_of_equals_the_same_one_everywhere()
    {
        var asset = new Asset
        {
            Hash = Hash,
            TimestampMs = 1,
            Size = 5,
            FileName = "x",
            Details = new AssetDetails { Description = "one" },
            MetaUpdatedAtMs = 10,
        };
        var other = MetaRule.Of(asset) with { Description = "two" };

        Assert.True(MetaRule.Wins(other with { MetaUpdatedAtMs = 11 }, asset));
        Assert.False(MetaRule.Wins(other with { MetaUpdatedAtMs = 9 }, asset));
        Assert.False(MetaRule.Wins(MetaRule.Of(asset), asset));
        Assert.NotEqual(MetaRule.Wins(other, asset), MetaRule.Wins(MetaRule.Of(asset), MetaRule.Apply(other, asset)));
    }

    private static AssetBundle Bundle() => new()
    {
        Hash = Hash,
        TimestampMs = 1773014400123,
        Size = 5,
        MetaUpdatedAtMs = 7,
        Details = new AssetDetails
        {
            MimeType = "text/plain",
            Application = "a",
            Description = "dd",
            HumanFileName = "a.txt",
            Tags = ["x"],
        },
    };

    private static byte[] Push()
    {
        var (head, tail) = Bundle().Frame();
        return [.. head, .. "hello"u8, .. tail];
    }

    private static bool Feed(BundleParser parser, ReadOnlySpan<byte> input, List<byte> content)
    {
        while (true)
        {
            switch (parser.Read(ref input, out var piece))
            {
                case BundlePart.Content: content.AddRange(piece); break;
                case BundlePart.NeedMore: return true;
                default: return false;
            }
        }
    }

    private static string Hex(Action<IBufferWriter<byte>> write)
    {
        var target = new ArrayBufferWriter<byte>();
        write(target);
        return Convert.ToHexString(target.WrittenSpan);
    }
}
