using EdgeSync.Nats.Exchange;
using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Nats.Exchange;

/// <summary>Exchanges over links that are slow, not broken: no byte goes twice, and a fast link is kept busy.</summary>
public class ExchangePaceTests
{
    private static readonly Instant Start = Instant.FromUnixSeconds(1_700_000_000);
    private static readonly ExchangeOptions Options = new() { NodeId = "asks" };

    [Test]
    [Arguments(32_000, 0.8)]     // 256 kbit/s
    [Arguments(8_000, 2)]
    [Arguments(4_000, 2)]        // four parts take longer than a reply may
    [Arguments(1_000_000, 0.6)]
    public void Nothing_goes_twice_over_a_slow_link(int bytesPerSecond, double roundTripSeconds)
    {
        var link = new SlowLink(bytesPerSecond, TimeSpan.FromSeconds(roundTripSeconds));
        var reply = new Prng(1).NextBytes(1_000_000);

        var result = link.Fetch(reply);

        Assert.True(result.IsOk, result.Reason);
        Assert.True(result.Body.Span.SequenceEqual(reply));
        Assert.InRange(link.BytesDown, reply.Length, (reply.Length * 1.01) + Options.PartBytes);
    }

    [Test]
    public void What_waits_before_a_slow_link_is_what_it_carries_in_a_few_seconds()
    {
        var link = new SlowLink(32_000, TimeSpan.FromSeconds(0.8));

        link.Fetch(new Prng(1).NextBytes(2_000_000));

        Assert.InRange(link.Request.Window, 1, 3);
    }

    [Test]
    public void A_satellite_is_kept_busy()
    {
        var link = new SlowLink(3_125_000, TimeSpan.FromSeconds(0.6));

        link.Fetch(new Prng(1).NextBytes(16_000_000));

        Assert.True(link.Request.Window >= 24, $"{link.Request.Window} parts");
        Assert.True(
            link.Now - Start < TimeSpan.FromSeconds(12), $"{(link.Now - Start).TotalSeconds} s for 5 s of sending");
    }

    [Test]
    public void A_late_part_counted_as_lost_is_accepted()
    {
        var request = new ExchangeRequest(Options, Start, new byte[] { 1 }, "t", knownResponder: "answers");
        request.TryTake(out var ask);
        var head = new ExchangeHead { Peer = "answers", Transfer = "r", Part = 0, Parts = 2, Size = 4 };
        request.OnReply(Start, ask.Token, head, new byte[] { 1, 2 });
        request.TryTake(out var first);
        var late = Start + Options.ReplyTimeout;
        request.OnDeadline(late);
        var again = new List<ExchangeSend>();
        while (request.TryTake(out var send)) again.Add(send);
        Assert.Contains(again, send => send.Message.Head.Fetch == "r");

        request.OnReply(late, first.Token, head with { Part = 1 }, new byte[] { 3, 4 });

        Assert.Equal(new byte[] { 1, 2, 3, 4 }, request.Result!.Body.ToArray());
    }

    /// <summary>Both ends, and between them a link that carries one byte after the other, as a link does.</summary>
    private sealed class SlowLink(int bytesPerSecond, TimeSpan roundTrip)
    {
        private readonly ExchangeResponder _responder = new(Options with { NodeId = "answers" }, () => "r");
        private readonly Queue<(Instant At, int Token, ExchangeMessage Message)> _down = new();
        private Instant _freeAt = Start;

        public Instant Now { get; private set; } = Start;

        public long BytesDown { get; private set; }

        public ExchangeRequest Request { get; } = new(Options, Start, new byte[] { 1 }, "t", knownResponder: "answers");

        public ExchangeResult Fetch(byte[] reply)
        {
            while (Request.Result is null)
            {
                while (Request.TryTake(out var send)) Serve(send, reply);
                if (_down.TryPeek(out var next) && next.At <= Request.Deadline)
                {
                    _down.Dequeue();
                    Now = next.At;
                    Request.OnReply(Now, next.Token, next.Message.Head, next.Message.Body);
                }
                else
                {
                    Now = Request.Deadline!.Value;
                    Request.OnDeadline(Now);
                }
            }

            return Request.Result;
        }

        private void Serve(ExchangeSend send, byte[] reply)
        {
            var at = Now + (roundTrip / 2);
            var step = _responder.OnRequest(at, send.Message.Head, send.Message.Body, out var ticket, out var answer);
            if (step == ExchangeStep.Handle)
            {
                answer = _responder.Reply(at, ticket, reply, null);
                _responder.OnAnswered(ticket);
            }

            _freeAt = (_freeAt > at ? _freeAt : at)
                + TimeSpan.FromSeconds((answer.Body.Length + 200.0) / bytesPerSecond);
            BytesDown += answer.Body.Length;
            _down.Enqueue((_freeAt + (roundTrip / 2), send.Token, answer));
        }
    }
}
