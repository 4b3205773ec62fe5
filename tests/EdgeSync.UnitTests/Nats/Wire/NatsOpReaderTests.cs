using System.Buffers;
using System.Text;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Wire;

public class NatsOpReaderTests
{
    private static readonly WireLimits OfClients = new(4096, 1 << 20);

    [Test]
    [Arguments("PUB foo 5\r\nhello\r\n", "Pub subject=foo body=hello")]
    [Arguments("PUB bar.x re.ply 2\r\nhi\r\n", "Pub subject=bar.x reply=re.ply body=hi")]
    [Arguments("pub \t foo\t 0 \r\n\r\n", "Pub subject=foo body=")]
    [Arguments("PUB foo 2\nhi\r\n", "Pub subject=foo body=hi")]
    [Arguments("HPUB foo 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n", "HPub subject=foo headers=18 body=hello")]
    [Arguments("hpub foo rr 18 21\r\nNATS/1.0\r\nA: b\r\n\r\nabc\r\n", "HPub subject=foo reply=rr headers=18 body=abc")]
    [Arguments("SUB foo 1\r\n", "Sub subject=foo sid=1")]
    [Arguments("SUB q.x workers xyz\r\n", "Sub subject=q.x sid=xyz queue=workers")]
    [Arguments("UNSUB 1\r\n", "Unsub sid=1")]
    [Arguments("UNSUB 1 2\r\n", "Unsub sid=1 number=2")]
    [Arguments("PING\r\n", "Ping")]
    [Arguments("ping anything\n", "Ping arguments=anything")]
    [Arguments("PONG\r\n", "Pong")]
    [Arguments("+OK\r\n", "Ok")]
    [Arguments("-ERR 'no'\r\n", "Err arguments='no'")]
    [Arguments("CONNECT {\"verbose\":false}\r\n", "Connect arguments={\"verbose\":false}")]
    [Arguments("INFO {}\r\n", "Info arguments={}")]
    public void Reads_what_a_client_sends(string bytes, string expected) =>
        Assert.All(Splits.Of(Ascii(bytes)), input => Assert.Equal([expected], ReadAll(input, OpDialect.Client)));

    [Test]
    [Arguments("MSG a 1 1\r\nx\r\n", "Msg subject=a sid=1 body=x")]
    [Arguments("MSG a 1 re.ply 1\r\nx\r\n", "Msg subject=a sid=1 reply=re.ply body=x")]
    [
        Arguments(
            "HMSG _INBOX.x.77 9 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", "HMsg subject=_INBOX.x.77 sid=9 headers=16 body=")]
    [Arguments("HMSG a 9 r 18 19\r\nNATS/1.0\r\nA: b\r\n\r\nz\r\n", "HMsg subject=a sid=9 reply=r headers=18 body=z")]
    [Arguments("-ERR 'Stale Connection'\r\n", "Err arguments='Stale Connection'")]
    [Arguments("INFO {\"ldm\":true} \r\n", "Info arguments={\"ldm\":true} ")]
    public void Reads_what_a_server_sends(string bytes, string expected) =>
        Assert.All(Splits.Of(Ascii(bytes)), input => Assert.Equal([expected], ReadAll(input, OpDialect.Server)));

    [Test]
    [Arguments("LS+ foo\r\n", "LeafSub subject=foo number=1")]
    [Arguments("LS+ q.x workers 2\r\n", "LeafSub subject=q.x queue=workers number=2")]
    [Arguments("LS- foo\r\n", "LeafUnsub subject=foo")]
    [Arguments("LS- q.x workers\r\n", "LeafUnsub subject=q.x queue=workers")]
    [Arguments("LMSG foo 5\r\nhello\r\n", "LMsg subject=foo body=hello")]
    [Arguments("LMSG bar.x re.ply 2\r\nhi\r\n", "LMsg subject=bar.x reply=re.ply body=hi")]
    [Arguments("LMSG q.x | other workers 3\r\nabc\r\n", "LMsg subject=q.x queues=other,workers body=abc")]
    [Arguments("LMSG q.x + r.1 other workers 3\r\nabc\r\n", "LMsg subject=q.x reply=r.1 queues=other,workers body=abc")]
    [Arguments("LMSG q.x | one 3\r\nabc\r\n", "LMsg subject=q.x queues=one body=abc")]
    [Arguments("LMSG q.x + 3\r\nabc\r\n", "LMsg subject=q.x reply=+ body=abc")]
    [Arguments("HMSG foo 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n", "HMsg subject=foo headers=18 body=hello")]
    [
        Arguments(
            "HMSG foo rr 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n",
            "HMsg subject=foo reply=rr headers=18 body=hello")]
    [Arguments("HMSG q.x + r.1 other workers 18 21\r\nNATS/1.0\r\nA: b\r\n\r\nabc\r\n",
        "HMsg subject=q.x reply=r.1 queues=other,workers headers=18 body=abc")]
    [
        Arguments(
            "HMSG q.x | w 18 21\r\nNATS/1.0\r\nA: b\r\n\r\nabc\r\n", "HMsg subject=q.x queues=w headers=18 body=abc")]
    [Arguments("LMSG _INBOX.z.5 $JS.ACK.S.C.1.1.1.1795310794478154086.0@s.x 5\r\nhello\r\n",
        "LMsg subject=_INBOX.z.5 reply=$JS.ACK.S.C.1.1.1.1795310794478154086.0@s.x body=hello")]
    [Arguments("CONNECT {}\r\n", "Connect arguments={}")]
    public void Reads_what_comes_over_a_leaf_link(string bytes, string expected) =>
        Assert.All(Splits.Of(Ascii(bytes)), input => Assert.Equal([expected], ReadAll(input, OpDialect.Leaf)));

    [Test]
    [Arguments("GET / HTTP/1.1\r\n", WireFault.UnknownOperation)]
    [Arguments("G", WireFault.UnknownOperation)]
    [Arguments("\r\n", WireFault.UnknownOperation)]
    [Arguments("PUB\r\n", WireFault.UnknownOperation)]
    [Arguments("MSG a 1 1\r\nx\r\n", WireFault.UnknownOperation)]
    [Arguments("LS+ a\r\n", WireFault.UnknownOperation)]
    [Arguments("PUB a 1\r\nx\n", WireFault.UnknownOperation)]
    [Arguments("PUB a 1\r\nxy\r\n", WireFault.UnknownOperation)]
    [Arguments("PUB \r\n", WireFault.BadArguments)]
    [Arguments("PUB a\r\n", WireFault.BadArguments)]
    [Arguments("PUB a b c 1\r\n", WireFault.BadArguments)]
    [Arguments("PUB a +1\r\n", WireFault.BadArguments)]
    [Arguments("PUB a -1\r\n", WireFault.BadArguments)]
    [Arguments("PUB a 1x\r\n", WireFault.BadArguments)]
    [Arguments("PUB a 0000000001\r\n", WireFault.BadArguments)]
    [Arguments("PUB a 99999999999\r\n", WireFault.BadArguments)]
    [Arguments("HPUB a 1\r\n", WireFault.BadArguments)]
    [Arguments("HPUB a 2 1\r\n", WireFault.BadArguments)]
    [Arguments("HPUB a r 1 1 1\r\n", WireFault.BadArguments)]
    [Arguments("SUB a\r\n", WireFault.BadArguments)]
    [Arguments("SUB a b c d\r\n", WireFault.BadArguments)]
    [Arguments("UNSUB \r\n", WireFault.BadArguments)]
    [Arguments("UNSUB 1 x\r\n", WireFault.BadArguments)]
    [Arguments("UNSUB 1 2 3\r\n", WireFault.BadArguments)]
    [Arguments("PUB a 1048577\r\n", WireFault.PayloadTooLarge)]
    [Arguments("PUB a 999999999\r\n", WireFault.PayloadTooLarge)]
    public void Refuses_from_a_client(string bytes, WireFault expected) =>
        Assert.Equal(expected, FaultOf(Ascii(bytes), OpDialect.Client));

    [Test]
    [Arguments("LS+ a q\r\n", WireFault.BadArguments)]
    [Arguments("LS+ a q 1 1\r\n", WireFault.BadArguments)]
    [Arguments("LS- a q 1\r\n", WireFault.BadArguments)]
    [Arguments("LMSG a\r\n", WireFault.BadArguments)]
    [Arguments("LMSG a * q 1\r\n", WireFault.BadArguments)]
    [Arguments("LMSG a || q 1\r\n", WireFault.BadArguments)]
    [Arguments("HMSG a 12\r\n", WireFault.BadArguments)]
    [Arguments("HMSG a 13 12\r\n", WireFault.BadArguments)]
    [Arguments("MSG a 1 1\r\n", WireFault.UnknownOperation)]
    [Arguments("PUB a 1\r\n", WireFault.UnknownOperation)]
    [Arguments("LMSG a 1048577\r\n", WireFault.PayloadTooLarge)]
    public void Refuses_over_a_leaf_link(string bytes, WireFault expected) =>
        Assert.Equal(expected, FaultOf(Ascii(bytes), OpDialect.Leaf));

    [Test]
    [Arguments(4096, WireFault.None)]
    [Arguments(4097, WireFault.ControlLineTooLong)]
    public void A_control_line_is_limited_by_its_arguments(int size, WireFault expected)
    {
        var line = Ascii($"SUB   {new string('s', size - 2)} 1\r\n");

        Assert.Equal(expected, FaultOf(line, OpDialect.Client));
        // The same before the line end is there: one byte too many is enough.
        Assert.Equal(expected, FaultOf(line[..^1], OpDialect.Client));
        Assert.Equal(expected, FaultOf(line[..^2], OpDialect.Client));
    }

    [Test]
    public void The_largest_payload_passes()
    {
        var input = Ascii($"PUB a 1048576\r\n{new string('x', 1 << 20)}\r\n");

        Assert.Equal(WireFault.None, FaultOf(input, OpDialect.Client));
    }

    [Test]
    public void Returns_the_size_of_an_operation_once_its_line_is_complete()
    {
        var reader = new NatsOpReader("PING\r\nPUB a 5\r\nhel"u8, OfClients);

        Assert.Equal(OperationStatus.Done, reader.TryReadFromClient(out _));
        Assert.Equal(OperationStatus.NeedMoreData, reader.TryReadFromClient(out _));
        Assert.Equal(6, reader.Consumed);
        Assert.Equal("PUB a 5\r\nhello\r\n".Length, reader.BytesNeeded);
    }

    [Test]
    public void Keeps_the_sizes_as_they_were_written()
    {
        var reader = new NatsOpReader("HPUB a  r   012\t 00012 \r\nNATS/1.0\r\n\r\n\r\n"u8, OfClients);

        Assert.Equal(OperationStatus.Done, reader.TryReadFromClient(out var op));
        Assert.Equal("012\t 00012", Encoding.ASCII.GetString(op.Sizes));
        Assert.Equal(12, op.HeaderBytes);
        Assert.Equal(12, op.TotalBytes);
    }

    [Test]
    public void Reads_what_it_wrote() => Property.Check(prng =>
    {
        var output = new ArrayBufferWriter<byte>();
        var dialect = prng.Pick<OpDialect>([OpDialect.Client, OpDialect.Server, OpDialect.Leaf]);
        var expected = new List<string>();
        for (var i = prng.NextInt32(1, 20); i > 0; i--) expected.Add(WriteOne(prng, dialect, output));
        var written = output.WrittenSpan.ToArray();

        Assert.Equal(expected, ReadAll(new(written), dialect));
        Assert.Equal(expected, ReadAll(Pieces(prng, written), dialect));
    });

    [Test]
    public void Any_bytes_give_the_same_whole_and_in_pieces_and_never_throw() => Property.Check(
        prng =>
        {
            var output = new ArrayBufferWriter<byte>();
            var dialect = prng.Pick<OpDialect>([OpDialect.Client, OpDialect.Server, OpDialect.Leaf]);
            for (var i = prng.NextInt32(1, 6); i > 0; i--)
                WriteOne(prng, prng.Chance(0.9) ? dialect : OpDialect.Client, output);
            var input = Mutation.OfBytes(prng, output.WrittenSpan.ToArray(), []);

            Assert.Equal(ReadAll(new(input), dialect), ReadAll(Pieces(prng, input), dialect));
        },
        runs: 6000);

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static WireFault FaultOf(byte[] input, OpDialect dialect)
    {
        var reader = new NatsOpReader(input, dialect.Limits);
        return dialect.Read(ref reader, out _) == OperationStatus.InvalidData ? reader.Fault : WireFault.None;
    }

    /// <summary>Reads as a connection does, piece after piece, keeping what is incomplete.</summary>
    private static List<string> ReadAll(ReadOnlySequence<byte> pieces, OpDialect dialect)
    {
        var seen = new List<string>();
        byte[] kept = [];
        foreach (var piece in pieces)
        {
            kept = [.. kept, .. piece.Span];
            var reader = new NatsOpReader(kept, dialect.Limits);
            OperationStatus status;
            while ((status = dialect.Read(ref reader, out var op)) == OperationStatus.Done) seen.Add(Describe(op));
            if (status == OperationStatus.InvalidData)
            {
                seen.Add(reader.Fault.ToString());
                return seen;
            }

            kept = kept[reader.Consumed..];
        }

        // A line that never ends is the same however it came.
        return seen;
    }

    private static ReadOnlySequence<byte> Pieces(Prng prng, byte[] input)
    {
        var parts = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < input.Length;)
        {
            var size = Math.Min(input.Length - at, prng.NextInt32(1, 30));
            parts.Add(input.AsMemory(at, size));
            at += size;
        }

        return Splits.Join([.. parts]);
    }

    private static string Describe(NatsOp op)
    {
        var text = new StringBuilder(op.Verb.ToString());
        Add("subject", op.Subject);
        Add("sid", op.Sid);
        Add("reply", op.Reply);
        Add("queue", op.Queue);
        var queues = new List<string>();
        foreach (var queue in new ArgumentReader(op.Queues)) queues.Add(Encoding.Latin1.GetString(queue));
        if (queues.Count > 0) text.Append($" queues={string.Join(',', queues)}");
        if (op.Number > 0) text.Append($" number={op.Number}");
        if (op.HeaderBytes > 0) text.Append($" headers={op.HeaderBytes}");
        if (!op.PayloadWithEnd.IsEmpty) text.Append($" body={Encoding.Latin1.GetString(op.Body)}");
        else if (op.Subject.IsEmpty && op.Sid.IsEmpty) Add("arguments", op.Arguments);
        return text.ToString();

        void Add(string name, ReadOnlySpan<byte> value)
        {
            if (!value.IsEmpty) text.Append($" {name}={Encoding.Latin1.GetString(value)}");
        }
    }

    /// <summary>Writes a random operation; answers how <see cref="Describe"/> must see it.</summary>
    private static string WriteOne(Prng prng, OpDialect dialect, ArrayBufferWriter<byte> output)
    {
        var subject = Word(prng);
        var reply = prng.Chance(0.4) ? Word(prng) : "";
        var sid = $"{prng.NextInt32(1, 100_000)}";
        var headers = prng.Chance(0.4) ? "NATS/1.0\r\nA: b\r\n\r\n" : "";
        var body = Encoding.Latin1.GetString(prng.NextBytes(prng.NextInt32(40)));
        var queues = prng.Chance(0.4)
            ? string.Join(' ', Enumerable.Range(0, prng.NextInt32(1, 5)).Select(_ => Word(prng)))
            : "";
        var replyText = reply.Length > 0 ? $" reply={reply}" : "";
        var payloadText = $"{(headers.Length > 0 ? $" headers={headers.Length}" : "")} body={body}";
        var verb = prng.NextInt32(4);
        switch (dialect.Name, verb)
        {
            case ("client", 0 or 1):
                NatsOps.WritePub(output, Latin1(subject), Latin1(reply), Latin1(headers), Latin1(body));
                return $"{(headers.Length > 0 ? "HPub" : "Pub")} subject={subject}{replyText}{payloadText}";
            case ("client", 2):
                NatsOps.WriteSub(output, Latin1(subject), Latin1(reply), Latin1(sid));
                return $"Sub subject={subject} sid={sid}{(reply.Length > 0 ? $" queue={reply}" : "")}";
            case ("client", _):
                NatsOps.WriteUnsub(output, Latin1(sid), body.Length);
                return $"Unsub sid={sid}{(body.Length > 0 ? $" number={body.Length}" : "")}";
            case ("server", 3):
                NatsOps.WriteErr(output, Latin1(subject));
                return $"Err arguments='{subject}'";
            case ("server", _):
                NatsOps.WriteMsg(
                    output, Latin1(subject), Latin1(sid), Latin1(reply), Latin1(headers), Latin1(body));
                return $"{(headers.Length > 0 ? "HMsg" : "Msg")} subject={subject} sid={sid}{replyText}{payloadText}";
            case (_, 2):
                NatsOps.WriteLeafSub(output, Latin1(subject), Latin1(reply), 7);
                return $"LeafSub subject={subject}{(reply.Length > 0 ? $" queue={reply} number=7" : " number=1")}";
            case (_, 3):
                NatsOps.WriteLeafUnsub(output, Latin1(subject), Latin1(reply));
                return $"LeafUnsub subject={subject}{(reply.Length > 0 ? $" queue={reply}" : "")}";
            default:
                NatsOps.WriteLeafMsg(
                    output, Latin1(subject), Latin1(reply), Latin1(queues), Latin1(headers), Latin1(body));
                var queuesText = queues.Length > 0 ? $" queues={queues.Replace(' ', ',')}" : "";
                var message = headers.Length > 0 ? "HMsg" : "LMsg";
                return $"{message} subject={subject}{replyText}{queuesText}{payloadText}";
        }
    }

    private static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    private static string Word(Prng prng) =>
        string.Concat(
            Enumerable.Range(0, prng.NextInt32(1, 12)).Select(
                _ => prng.Pick<char>(['a', 'B', '.', '_', '$', '*', '\u00e9', '7'])));

    /// <summary>One of the three methods of the reader, with its limits.</summary>
    internal sealed record OpDialect(string Name, WireLimits Limits, OpDialect.Reading Read)
    {
        public delegate OperationStatus Reading(ref NatsOpReader reader, out NatsOp op);

        public static OpDialect Client { get; } =
            new("client", OfClients, (ref reader, out op) => reader.TryReadFromClient(out op));

        public static OpDialect Server { get; } =
            new("server", WireLimits.OfServers, (ref reader, out op) => reader.TryReadFromServer(out op));

        public static OpDialect Leaf { get; } =
            new("leaf", WireLimits.OfLeaves, (ref reader, out op) => reader.TryReadFromLeaf(out op));
    }
}
