using System.Globalization;
using EdgeSync.Nats.Exchange;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Exchange;

public class ExchangeTests
{
    private static readonly Instant Start = Instant.FromUnixSeconds(1_700_000_000);
    private static readonly ExchangeOptions Small = new()
    {
        NodeId = "asks",
        MaxPayload = 8192,
        PartBytes = 2000,
        WholeBytesMax = 200_000
    };

    [Test]
    [Arguments(1, 1)]
    [Arguments(1, 5000)]
    [Arguments(5000, 1)]
    [Arguments(100_000, 150_000)]
    [Arguments(2000, 2000)]
    [Arguments(2001, 2001)]
    public void Any_size_goes_there_and_back(int requestBytes, int replyBytes)
    {
        var wire = new Wire(Small);
        var (request, reply) = (Bytes(requestBytes, 1), Bytes(replyBytes, 2));

        var result = wire.Run(request, reply, knownResponder: "answers");

        Assert.True(result.IsOk, result.Reason);
        Assert.Equal(reply, result.Body.ToArray());
        Assert.Equal(request, Assert.Single(wire.Handled));
        Assert.Equal(("answers", "type"), (result.Responder, result.ContentType));
    }

    [Test]
    public void Lost_doubled_and_late_messages_lose_no_byte() => Property.Check(
        prng =>
        {
            var wire = new Wire(Small, prng);
            var (request, reply) = (
                prng.NextBytes(prng.NextInt32(1, 30_000)), prng.NextBytes(prng.NextInt32(1, 30_000)));

            var result = wire.Run(request, reply, prng.Chance(0.5) ? "answers" : null);

            // It may fail; it must not lie, and it must end and leave nothing behind.
            if (result.IsOk) Assert.Equal(reply, result.Body.ToArray());
            Assert.All(wire.Handled, handled => Assert.Equal(request, handled));
            Assert.True(wire.Handled.Count <= 1);
            wire.Responder.OnDeadline(wire.Now + TimeSpan.FromHours(1));
            Assert.Equal((0, 0L), (wire.Responder.Transfers, wire.Responder.HeldBytes));
        },
        runs: 300);

    [Test]
    public void The_original_gets_one_message_or_a_reason()
    {
        var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
        var step = responder.OnRequest(Start, ExchangeHead.Empty, Bytes(10, 1), out var ticket, out _);

        var small = responder.Reply(Start, ticket, Bytes(6000, 1), "type");
        var large = responder.Reply(Start, ticket, Bytes(7000, 1), "type");

        Assert.Equal(ExchangeStep.Handle, step);
        Assert.Equal((6000, ExchangeRefusal.None, 0), (small.Body.Length, small.Head.Refusal, small.Head.Parts));
        Assert.Equal((0, ExchangeRefusal.TooLarge), (large.Body.Length, large.Head.Refusal));
        Assert.Equal(6144, responder.ReplyBytesMax(ticket));
    }

    [Test]
    public void A_request_too_large_for_an_unknown_responder_is_not_sent()
    {
        var request = new ExchangeRequest(Small, Start, Bytes(7000, 1), "t");

        Assert.Equal(ExchangeResultKind.TooLarge, request.Result!.Kind);
        Assert.False(request.TryTake(out _));
    }

    [Test]
    public void An_empty_reply_is_an_error_and_a_reason_is_passed_on()
    {
        var empty = new ExchangeRequest(Small, Start, Bytes(10, 1), "t");
        Assert.True(empty.TryTake(out var send));
        empty.OnReply(Start, send.Token, ExchangeHead.Empty, default);
        var refused = new ExchangeRequest(Small, Start, Bytes(10, 1), "t");
        Assert.True(refused.TryTake(out send));
        refused.OnReply(
            Start, send.Token, Wired(new ExchangeHead { Refusal = ExchangeRefusal.Upstream, Reason = "server\ndown" }),
            default);

        Assert.Equal(ExchangeResultKind.Empty, empty.Result!.Kind);
        Assert.Equal(
            (ExchangeResultKind.Refused, ExchangeRefusal.Upstream, "server down"),
            (refused.Result!.Kind, refused.Result.Refusal, refused.Result.Reason));
    }

    [Test]
    public void No_responders_and_a_timeout_are_distinguished()
    {
        var nobody = new ExchangeRequest(Small, Start, Bytes(10, 1), "t");
        nobody.TryTake(out var send);
        nobody.OnNoResponders(Start, send.Token);
        var silent = new ExchangeRequest(Small, Start, Bytes(10, 1), "t");
        silent.OnDeadline(silent.Deadline!.Value);

        Assert.Equal(
            (ExchangeResultKind.NoResponders, ExchangeResultKind.TimedOut), (nobody.Result!.Kind, silent.Result!.Kind));
    }

    [Test]
    public void A_silent_responder_is_queried_and_unknown_requests_count_as_lost()
    {
        var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
        var request = new ExchangeRequest(Small, Start, Bytes(10, 1), "t", isAddressed: true);
        request.TryTake(out var send);
        responder.OnRequest(Start, Wired(send.Message.Head), send.Message.Body, out var ticket, out _);

        var now = Ask(request, responder);
        Assert.Null(request.Result);
        Assert.Equal(now + Small.AskAfter, request.Deadline);   // he works; he is asked again

        responder.OnAnswered(ticket);   // and the answer gets lost
        now = Ask(request, responder);
        Assert.Null(request.Result);
        request.OnDeadline(now + Small.LateBy);
        Assert.Equal(ExchangeResultKind.TimedOut, request.Result!.Kind);
        Assert.True(now < Start + Small.ReplyTimeout);
    }

    [Test]
    public void A_reply_may_arrive_just_after_the_status_not_in_progress()
    {
        var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
        var request = new ExchangeRequest(Small, Start, Bytes(10, 1), "t", isAddressed: true);
        request.TryTake(out var send);
        responder.OnRequest(Start, Wired(send.Message.Head), send.Message.Body, out var ticket, out _);
        var reply = responder.Reply(Start, ticket, Bytes(20, 2), null);
        responder.OnAnswered(ticket);

        var now = Ask(request, responder);
        request.OnDeadline(now);
        request.OnReply(now, send.Token, Wired(reply.Head), reply.Body);

        Assert.True(request.Result!.IsOk);
    }

    [Test]
    public void A_long_request_is_awaited_while_the_responder_reports_progress()
    {
        var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
        var request = new ExchangeRequest(Small, Start, Bytes(10, 1), "t", isAddressed: true);
        request.TryTake(out var send);
        responder.OnRequest(Start, Wired(send.Message.Head), send.Message.Body, out var ticket, out _);
        var now = Start;
        while (now < Start + (3 * Small.ReplyTimeout)) now = Ask(request, responder);

        var reply = responder.Reply(now, ticket, Bytes(20, 2), null);
        request.OnReply(now, send.Token, Wired(reply.Head), reply.Body);

        Assert.True(request.Result!.IsOk);
    }

    [Test]
    public void A_responder_of_a_queue_group_is_not_queried()
    {
        var request = new ExchangeRequest(Small, Start, Bytes(10, 1), "t");

        Assert.Equal(Start + Small.ReplyTimeout, request.Deadline);
    }

    [Test]
    public void After_a_link_loss_responders_are_queried_and_lost_messages_sent_again()
    {
        var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
        var parts = new ExchangeRequest(Small, Start, Bytes(7000, 1), "t", knownResponder: "answers");
        var first = Sends(parts);
        parts.OnLinkBack(Start);
        var question = Assert.Single(Sends(parts));
        Assert.Equal("t", question.Message.Head.Ask);
        responder.OnRequest(Start, Wired(question.Message.Head), default, out _, out var told);
        parts.OnReply(Start, question.Token, Wired(told.Head), told.Body);
        Assert.Empty(Sends(parts));
        parts.OnDeadline(Start + Small.LateBy);
        var again = Sends(parts);

        var unaddressed = new ExchangeRequest(Small, Start, Bytes(10, 1), "t");
        unaddressed.OnLinkBack(Start);

        Assert.Null(parts.Result);
        Assert.Equal(
            [.. again.Select(s => s.Message.Head.Part)], first.Select(s => s.Message.Head.Part).Take(again.Count));
        Assert.NotEmpty(again);
        Assert.Equal(ExchangeResultKind.TimedOut, unaddressed.Result!.Kind);
    }

    [Test]
    public void A_link_back_elsewhere_does_not_affect_a_request_in_progress()
    {
        var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
        var request = new ExchangeRequest(Small, Start, Bytes(10, 1), "t", isAddressed: true);
        request.TryTake(out var send);
        responder.OnRequest(Start, Wired(send.Message.Head), send.Message.Body, out var ticket, out _);

        request.OnLinkBack(Start);
        var question = Assert.Single(Sends(request));
        responder.OnRequest(Start, Wired(question.Message.Head), default, out _, out var told);
        request.OnReply(Start, question.Token, Wired(told.Head), told.Body);
        var reply = responder.Reply(Start, ticket, Bytes(20, 2), null);
        request.OnReply(Start, send.Token, Wired(reply.Head), reply.Body);

        Assert.True(request.Result!.IsOk);
    }

    [Test]
    public void Own_requests_get_no_reply()
    {
        var responder = new ExchangeResponder(Small, () => "t");

        Assert.Equal(
            ExchangeStep.Ignore,
            responder.OnRequest(Start, new ExchangeHead { Peer = "asks" }, Bytes(1, 1), out _, out _));
    }

    [Test]
    public void Announced_sizes_take_no_memory_and_too_large_ones_are_refused()
    {
        var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
        var head = new ExchangeHead { Peer = "p", Transfer = "a", Part = 0, Parts = 60_000, Size = 100_000_000 };

        responder.OnRequest(Start, head, Bytes(10, 1), out _, out var refused);
        responder.OnRequest(Start, head with { Transfer = "b", Size = 150_000 }, Bytes(10, 1), out _, out var stored);

        Assert.Equal(ExchangeRefusal.TooLarge, refused.Head.Refusal);
        Assert.Equal(0, stored.Head.Stored);
        Assert.Equal(10, responder.HeldBytes);
    }

    [Test]
    public void Kept_transfers_are_bounded_in_number_bytes_and_time()
    {
        var options = Small with { NodeId = "answers", TransfersMax = 5, HeldBytesMax = 20_000 };
        var next = 0;
        var responder = new ExchangeResponder(options, () => $"t{next++}");
        var ticket = new ExchangeTicket("p", null, 2000);

        var replies = Enumerable.Range(0, 20).Select(_ => responder.Reply(Start, ticket, Bytes(5000, 1), null))
            .ToList();
        Assert.Equal(4, replies.Count(r => r.Head.Refusal == ExchangeRefusal.None));
        Assert.Equal(20_000, responder.HeldBytes);
        for (var i = 0; i < 20; i++)
            responder.OnRequest(
                Start, new ExchangeHead { Peer = "p", Transfer = $"u{i}", Part = 0, Parts = 2, Size = 3000 },
                Bytes(1500, 1), out _, out _);
        Assert.True(responder.Transfers <= 5 && responder.HeldBytes <= 20_000);

        responder.OnDeadline(Start + options.IdleMax);
        Assert.Equal((0, 0L), (responder.Transfers, responder.HeldBytes));
    }

    [Test]
    public void Parts_that_contradict_each_other_end_the_transfer()
    {
        var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
        var head = new ExchangeHead { Peer = "p", Transfer = "a", Part = 0, Parts = 3, Size = 3000 };
        responder.OnRequest(Start, head, Bytes(1000, 1), out _, out _);

        responder.OnRequest(Start, head with { Part = 1, Parts = 4 }, Bytes(1000, 1), out _, out var answer);

        Assert.Equal(ExchangeRefusal.Failed, answer.Head.Refusal);
        Assert.Equal(0, responder.HeldBytes);
    }

    [Test]
    public void No_headers_make_either_side_throw() => Property.Check(
        prng =>
        {
            var words = new[]
            {
                "",
                "0/0",
                "1/2",
                "0/3",
                "9/3",
                "-1",
                "5",
                "99999999999999999999",
                "parts=5",
                "parts=x",
                "busy",
                "t",
                "p",
                "asks",
                "x y"
            };
            var keys = new[]
            {
                ExchangeHead.PeerKey, ExchangeHead.AcceptKey, ExchangeHead.TransferKey, ExchangeHead.PartKey,
                    ExchangeHead.SizeKey,
                ExchangeHead.FetchKey, ExchangeHead.StoredKey, ExchangeHead.ErrorKey, ExchangeHead.ContentTypeKey,
                    ExchangeHead.AskKey, "other",
            };
            var responder = new ExchangeResponder(Small with { NodeId = "answers" }, () => "t");
            var request = new ExchangeRequest(
                Small, Start, Bytes(prng.NextInt32(1, 9000), 1), "t", prng.Chance(0.5) ? "answers" : null);
            for (var i = 0; i < 30; i++)
            {
                var head = ExchangeHead.Parse(Enumerable.Range(0, prng.NextInt32(5))
                    .Select(_ => KeyValuePair.Create(prng.Pick<string>(keys), prng.Pick<string>(words))));
                responder.OnRequest(Start, head, Bytes(prng.NextInt32(20), 1), out _, out _);
                if (request.TryTake(out var send))
                    request.OnReply(Start, send.Token, head, Bytes(prng.NextInt32(20), 1));
            }

            Assert.True(responder.HeldBytes < 1000);
        },
        runs: 500);

    /// <summary>Lets the request send, and the responder reply.</summary>
    private static Instant Ask(ExchangeRequest request, ExchangeResponder responder)
    {
        var now = request.Deadline!.Value;
        request.OnDeadline(now);
        Assert.True(request.TryTake(out var question));
        Assert.Equal("t", question.Message.Head.Ask);
        Assert.Equal(
            ExchangeStep.Answer,
            responder.OnRequest(now, Wired(question.Message.Head), question.Message.Body, out _, out var told));
        request.OnReply(now, question.Token, Wired(told.Head), told.Body);
        return now;
    }

    private static List<ExchangeSend> Sends(ExchangeRequest request)
    {
        var all = new List<ExchangeSend>();
        while (request.TryTake(out var send)) all.Add(send);
        return all;
    }

    private static byte[] Bytes(int count, ulong seed) => new Prng(seed).NextBytes(count);

    private static ExchangeHead Wired(ExchangeHead head) => ExchangeHead.Parse(head.ToFields().ToList());

    /// <summary>
    /// Both ends, joined by a wire of headers and bodies; with a generator it loses and doubles.
    /// </summary>
    private sealed class Wire(ExchangeOptions options, Prng? prng = null)
    {
        private int _transfers;

        public Instant Now { get; private set; } = Start;

        public List<byte[]> Handled { get; } = [];

        public ExchangeResponder Responder => field ??= new ExchangeResponder(
            options with { NodeId = "answers" }, () => string.Create(CultureInfo.InvariantCulture, $"r{_transfers++}"));

        public ExchangeResult Run(byte[] body, byte[] reply, string? knownResponder)
        {
            var request = new ExchangeRequest(options, Now, body, "up", knownResponder, "type");
            for (var i = 0; i < 10_000 && request.Result is null; i++)
            {
                if (!request.TryTake(out var send))
                {
                    Now = request.Deadline!.Value;
                    Responder.OnDeadline(Now);
                    request.OnDeadline(Now);
                    continue;
                }

                Assert.True(send.Message.Body.Length <= options.MessageBytesMax);
                if (Strikes(0.05)) continue;

                var answer = Serve(send, reply);
                if (Strikes(0.05)) answer = Serve(send, reply);
                if (Strikes(0.05)) continue;

                Assert.True(answer.Body.Length <= options.MessageBytesMax);
                request.OnReply(Now, send.Token, Wired(answer.Head), answer.Body);
                if (Strikes(0.05)) request.OnReply(Now, send.Token, Wired(answer.Head), answer.Body);
            }

            Assert.NotNull(request.Result);
            return request.Result;
        }

        private ExchangeMessage Serve(ExchangeSend send, byte[] reply)
        {
            var step = Responder.OnRequest(
                Now, Wired(send.Message.Head), send.Message.Body, out var ticket, out var message);
            if (step != ExchangeStep.Handle) return message;

            if (Handled.Count == 0 || send.Message.Head.Parts > 0) Handled.Add(message.Body.ToArray());
            var answer = Responder.Reply(Now, ticket, reply, "type");
            Responder.OnAnswered(ticket);
            return answer;
        }

        private bool Strikes(double chance) => prng?.Chance(chance) == true;
    }
}
