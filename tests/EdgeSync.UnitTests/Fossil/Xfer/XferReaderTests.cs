using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Xfer;

public class XferReaderTests
{
    private const string Hash = "cd71691d38080ae379a5d1722f13e8e8053215f28c4ca297c5eda6aa52bde573";
    private const string Sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    // One card of every kind, with every form of payload.
    private const string Message =
        $"""
        # comment
        login tester {Sha1} {Sha1}
        pragma client-version 22100 20230226 192424
        pull x {Sha1}
        push x {Sha1}
        clone 3 17
        clone_seqno 18
        file {Hash} 4
        ab
        cprivate
        file {Hash} {Sha1} 0
        igot {Hash} 1
        gimme {Hash}
        cfile {Hash} 7 3
        abc
        cfile {Hash} {Sha1} 7 3
        ab

        uvfile a/b.txt 1700000000 {Hash} 3 0
        xyzuvfile gone 1700000000 - 0 1
        uvfile big 1700000000 {Hash} 99 4
        uvigot a/b.txt 1700000000 - 0
        uvgimme a/b.txt
        config /config 12
        1 'a' b 'c'

        reqconfig /all
        cookie yum
        message hello\sworld
        error bad\scommand:\s\n
        schema peer 1 {Sha1} 5 2
        []
        xigot peer {Sha1} 6
        xgimme peer {Sha1}
        xrow peer {Sha1} 6 3
        123xdelete peer {Sha1} 6 1
        4
        strange word

        # timestamp 2026-11-22T01:04:31 errors 0

        """;

    private static byte[] MessageBytes { get; } = Encoding.UTF8.GetBytes(Message.ReplaceLineEndings("\n"));

    private static readonly string[] Expected =
    [
        "Comment 0", "Login 4", "Pragma 5", "Pull 3", "Push 3", "Clone 3", "CloneSeqno 2", "File 3 [ab\nc]",
            "Private 1",
        "File 4 []", "IGot 3", "Gimme 2", "CFile 4 [abc]", "CFile 5 [ab\n]", "Blank 0", "UvFile 6 [xyz]", "UvFile 6",
            "UvFile 6", "UvIGot 5",
        "UvGimme 2", "Config 3 [1 'a' b 'c'\n]", "ReqConfig 2", "Cookie 2", "Message 2", "Error 2", "Schema 6 [[]]",
        "XIGot 4", "XGimme 3", "XRow 5 [123]", "XDelete 5 [4]", "Unknown 2", "Blank 0", "Comment 0",
    ];

    [Test]
    public void Reads_every_card_with_its_payload()
    {
        Assert.Equal(Expected, ReadAll(MessageBytes));
    }

    [Test]
    public void Stops_regularly_at_every_cut_and_goes_on_when_more_has_come()
    {
        foreach (var prefix in Splits.Prefixes(MessageBytes))
        {
            var reader = new XferReader(prefix, isFinal: false);
            var status = OperationStatus.Done;
            var cards = 0;
            while ((status = reader.TryRead(out _)) == OperationStatus.Done) cards++;

            Assert.Equal(OperationStatus.NeedMoreData, status);
            Assert.True(cards < Expected.Length);
            Assert.True(reader.BytesWanted == 0 || reader.BytesWanted > prefix.Length - reader.Consumed);
        }
    }

    [Test]
    public void A_stream_gives_the_same_cards_however_it_is_cut()
    {
        foreach (var sequence in Splits.Of(MessageBytes))
        {
            using var stream = new XferStream();
            Assert.Equal(Expected, ReadAll(stream, sequence, isFinal: true));
        }
    }

    [Test]
    public void A_stream_fed_byte_by_byte_gives_each_card_when_its_last_byte_is_there()
    {
        using var stream = new XferStream();
        var cards = new List<string>();
        var start = 0;
        for (var end = 1; end <= MessageBytes.Length; end++)
        {
            var input = new ReadOnlySequence<byte>(MessageBytes, start, end - start);
            var status = stream.TryRead(input, isFinal: false, out var card, out var consumed);
            Assert.NotEqual(OperationStatus.InvalidData, status);
            if (status != OperationStatus.Done) continue;

            cards.Add(Show(card));
            start += (int)input.Slice(0, consumed).Length;
        }

        Assert.Equal(Expected, cards);
        Assert.Equal(MessageBytes.Length, start);
    }

    [Test]
    [Arguments("file zz\n")]
    [Arguments("file a b c d 5\n")]
    [Arguments("file a -5\n")]
    [Arguments("file a 99999999999999999999\n")]
    [Arguments("cfile a 5\n")]
    [Arguments("uvfile a 5 - 0\n")]
    [Arguments("uvfile a 5 - x 1\n")]
    [Arguments("xrow t k 5\n")]
    [Arguments("schema t 1 h 5\n")]
    public void A_card_that_hides_its_size_ends_the_message(string line)
    {
        var reader = new XferReader(Encoding.UTF8.GetBytes(line));

        Assert.Equal(OperationStatus.InvalidData, reader.TryRead(out _));
    }

    [Test]
    public void A_payload_over_the_limit_is_refused_before_it_arrives()
    {
        var reader = new XferReader("file a 1000001\n"u8, isFinal: false, new XferLimits(100, 1_000_000));

        Assert.Equal(OperationStatus.InvalidData, reader.TryRead(out _));
    }

    [Test]
    public void A_line_over_the_limit_is_rejected_before_its_end()
    {
        var reader = new XferReader(new byte[101], isFinal: false, new XferLimits(100, 1_000_000));

        Assert.Equal(OperationStatus.InvalidData, reader.TryRead(out _));
    }

    [Test]
    public void The_last_line_needs_no_line_feed()
    {
        Assert.Equal(["Gimme 2"], ReadAll("gimme x"u8.ToArray()));
    }

    [Test]
    public void Tokens_after_the_sixth_are_not_looked_at()
    {
        var reader = new XferReader("pragma a b c d e f g\n"u8);

        Assert.Equal(OperationStatus.Done, reader.TryRead(out var card));
        Assert.Equal(6, card.Count);
        Assert.True(card[6].IsEmpty);
    }

    private static List<string> ReadAll(byte[] message)
    {
        var reader = new XferReader(message);
        var cards = new List<string>();
        while (reader.TryRead(out var card) == OperationStatus.Done) cards.Add(Show(card));

        Assert.True(reader.IsAtEnd);
        return cards;
    }

    private static List<string> ReadAll(XferStream stream, ReadOnlySequence<byte> input, bool isFinal)
    {
        var cards = new List<string>();
        while (stream.TryRead(input, isFinal, out var card, out var consumed) == OperationStatus.Done)
        {
            cards.Add(Show(card));
            input = input.Slice(consumed);
        }

        Assert.True(input.IsEmpty);
        return cards;
    }

    private static string Show(in XferCard card)
    {
        var carries = card.Kind is CardKind.File or CardKind.CFile or CardKind.Config or CardKind.Schema
            or CardKind.XRow or CardKind.XDelete || !card.Payload.IsEmpty;
        var head = $"{card.Kind} {card.Count}";
        return carries ? $"{head} [{Encoding.UTF8.GetString(card.Payload)}]" : head;
    }
}
