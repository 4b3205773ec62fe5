using System.Text;
using EdgeSync.Agent.Notify;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Agent.Notify;

public class NotifyCodecTests
{
    [Test]
    [Arguments("ask.json", "edgesync/threads/a1b2c3d4/1775822400-01234567.json")]
    [Arguments("act.json", "edgesync/threads/a1b2c3d4/1775822463-fedcba98.json")]
    [Arguments("media.json", "ship_7/threads/00000000/1775822463-00000000.json")]
    public void Files_of_the_original_are_read_and_written(string file, string path)
    {
        var golden = Vectors.Read("notify", file);

        Assert.True(NotifyCodec.TryParse(golden, out var message));
        Assert.Equal(path, message.FilePath);
        Assert.True(NotifyNames.IsFile(path));
        Assert.Equal(Encoding.UTF8.GetString(golden), Encoding.UTF8.GetString(NotifyCodec.ToFile(message)));
        Assert.True(NotifyCodec.TryParse(NotifyCodec.ToLine(message), out var again));
        Assert.Equal(NotifyCodec.ToFile(message), NotifyCodec.ToFile(again));
    }

    [Test]
    public void The_documented_example_is_read()
    {
        Assert.True(NotifyCodec.TryParse(Vectors.Read("notify", "documented.json"), out var message));

        Assert.Equal("<b> &", message.Body);
        Assert.Equal("2026-04-10T12:00:00.1234567Z", NotifyNames.Time(message.Timestamp));
        Assert.Equal(NotifyPriority.Urgent, message.Priority);
        Assert.Null(message.ReplyTo);
        Assert.False(message.IsActionResponse);
        Assert.Equal("notify.edgesync.a1b2c3d4", message.Subject);
    }

    [Test]
    public void Lines_are_those_of_the_original()
    {
        Assert.True(NotifyCodec.TryParse(Vectors.Read("notify", "act.json"), out var act));
        Assert.True(NotifyCodec.TryParse(Vectors.Read("notify", "ask.json"), out var ask));

        Assert.Equal("[2026-04-10T12:01:03Z] thread:a1b2c3d4 from:dan-iphone action:retry", act.WatchLine);
        Assert.Equal("[2026-04-10T12:00:00Z] thread:a1b2c3d4 from: text:Build failed. Retry?", ask.WatchLine);
    }

    [Test]
    [Arguments("\"v\":1", "\"v\":0")]
    [Arguments("msg-01234567", "msg-0123")]
    [Arguments("msg-01234567", "msg-0123456G")]
    [Arguments("thread-01234567", "thread-../../../")]
    [Arguments("\"p\"", "\"../p\"")]
    [Arguments("\"p\"", "\"_notify\"")]
    [Arguments("2026-04-10T12:00:00Z", "yesterday")]
    [Arguments("2026-04-10T12:00:00Z", "2026-04-10T12:00:00")]
    [Arguments("}", "} {}")]
    [Arguments("{", "[{")]
    public void A_message_with_a_fault_is_refused(string sound, string faulty)
    {
        const string Good =
            """{"v":1,"id":"msg-01234567","thread":"thread-01234567","project":"p","timestamp":"2026-04-10T12:00:00Z"}""";

        Assert.True(NotifyCodec.TryParse(Encoding.UTF8.GetBytes(Good), out _));
        Assert.False(NotifyCodec.TryParse(Encoding.UTF8.GetBytes(Good.Replace(sound, faulty)), out _));
    }

    [Test]
    [Arguments("")]
    [Arguments("[]")]
    [Arguments("{}")]
    public void What_is_not_a_message_is_refused(string text) =>
        Assert.False(NotifyCodec.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Test]
    public void Members_of_other_types_read_as_absent()
    {
        var text = """
            {"v":2,"id":"msg-01234567","thread":"thread-01234567","project":"p","timestamp":"2026-04-10T12:00:00Z",
             "from":7,"body":["x"],"priority":"loud","actions":[1,{"id":""},{"id":"a"}],"media":["../x","ok.png",2],
             "reply_to":"no","action_response":"true","more":{"deep":[[]]}}
            """;

        Assert.True(NotifyCodec.TryParse(Encoding.UTF8.GetBytes(text), out var message));
        Assert.Equal(("", "", null, false), (message.From, message.Body, message.ReplyTo, message.IsActionResponse));
        Assert.Equal(NotifyPriority.Info, message.Priority);
        Assert.Equal([new NotifyAction("a", "")], message.Actions);
        Assert.Equal(["ok.png"], message.Media);
    }

    [Test]
    public void A_file_cut_anywhere_is_no_message()
    {
        foreach (var file in (string[])["ask.json", "act.json", "media.json", "documented.json"])
            foreach (var cut in Splits.Prefixes(Vectors.Read("notify", file)))
                Assert.False(NotifyCodec.TryParse(cut, out _));
    }

    [Test]
    public void No_bytes_make_a_parser_throw_and_what_is_read_can_be_written()
    {
        byte[][] good =
        [
            .. Vectors.List("notify").Select(File.ReadAllBytes),
            new NotifyAck("msg-01234567", "ship7", Instant.FromUnixSeconds(1), NotifyAckKind.Read).ToBytes(),
            new NotifyPresence("ship7", "online", Instant.FromUnixSeconds(1)).ToBytes(),
        ];
        Property.Check(
            prng =>
            {
                var bytes = Mutation.OfBytes(prng, good[prng.NextInt32(0, good.Length)], good);
                if (NotifyCodec.TryParse(bytes, out var message))
                {
                    Assert.True(NotifyNames.IsFile(message.FilePath), message.FilePath);
                    Assert.True(NotifyCodec.TryParse(NotifyCodec.ToFile(message), out var again));
                    Assert.Equal(NotifyCodec.ToLine(message), NotifyCodec.ToLine(again));
                }

                _ = NotifyDevices.Parse(bytes);
                _ = PendingTokens.Parse(bytes);
                if (NotifyAck.TryParse(bytes, out var ack)) Assert.True(NotifyAck.TryParse(ack.ToBytes(), out _));
                if (NotifyPresence.TryParse(bytes, out var presence))
                    Assert.True(NotifyPresence.TryParse(presence.ToBytes(), out _));
                _ = PairUrl.TryParse(Encoding.UTF8.GetString(bytes), out _);
            },
            runs: 2000);
    }

    [Test]
    public void Acks_and_presence_are_read_and_a_cut_one_is_not()
    {
        var ack = new NotifyAck("msg-01234567", "ship7", Instant.FromUnixSeconds(1775822462), NotifyAckKind.Delivered);
        Assert.Equal(
            """{"msg_id":"msg-01234567","received_by":"ship7","received_at":"2026-04-10T12:01:02Z"}""",
            Encoding.UTF8.GetString(ack.ToBytes()));
        Assert.True(NotifyAck.TryParse(ack.ToBytes(), out var read));
        Assert.Equal(ack, read);
        Assert.True(NotifyAck.TryParse((ack with { Kind = NotifyAckKind.Read }).ToBytes(), out read));
        Assert.Equal(NotifyAckKind.Read, read.Kind);
        Assert.All(Splits.Prefixes(ack.ToBytes()), cut => Assert.False(NotifyAck.TryParse(cut, out _)));

        var presence = new NotifyPresence("ship7", "online", Instant.FromUnixSeconds(1775822462));
        Assert.True(NotifyPresence.TryParse(presence.ToBytes(), out var there));
        Assert.Equal(presence, there);
        Assert.All(Splits.Prefixes(presence.ToBytes()), cut => Assert.False(NotifyPresence.TryParse(cut, out _)));
    }

    [Test]
    public void Registries_are_read_and_written_as_the_original_does()
    {
        var devices = Vectors.Read("notify", "devices.json");
        var tokens = Vectors.Read("notify", "pending_tokens.json");

        Assert.Equal(devices, NotifyDevices.ToFile(NotifyDevices.Parse(devices)));
        Assert.Equal(tokens, PendingTokens.ToFile(PendingTokens.Parse(tokens)));
        Assert.All(Splits.Prefixes(devices), cut => Assert.Empty(NotifyDevices.Parse(cut)));
        Assert.All(Splits.Prefixes(tokens), cut => Assert.Empty(PendingTokens.Parse(cut)));
    }
}
