using System.Buffers;
using System.Text;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;
using EdgeSync.UnitTests.Nats.Broker;

namespace EdgeSync.UnitTests.Nats.Wire;

/// <summary>Conversations with a real server, read by our codec and held by our broker.</summary>
public class CapturedConversationTests
{
    // Where the original closes silently ours sends the reason.
    private const string OurReason = "-ERR '";

    public static TheoryData<string> Names() => new(CapturedConversation.All.Select(conversation => conversation.Name));

    [Test]
    [MethodDataSource(nameof(Names))]
    public void Our_broker_replies_like_the_original(string name)
    {
        var conversation = CapturedConversation.Of(name);
        var whole = Answer([conversation.Input], out var isClosed);

        Assert.Equal(conversation.IsClosed, isClosed);
        if (conversation.Output.Length > 0 || !isClosed) Assert.Equal(Text(conversation.Output), whole);
        else Assert.True(whole.Length == 0 || whole.StartsWith(OurReason, StringComparison.Ordinal), whole);
    }

    [Test]
    [MethodDataSource(nameof(Names))]
    public void Our_broker_answers_the_same_however_the_bytes_come(string name)
    {
        var conversation = CapturedConversation.Of(name);
        var whole = Answer([conversation.Input], out _);

        // One byte a read, and cut in random places: all cuts of the long inputs would take minutes.
        Assert.Equal(whole, Answer(conversation.Input.Select(b => new[] { b }), out _));
        Property.Check(prng => Assert.Equal(whole, Answer(Pieces(prng, conversation.Input), out _)), runs: 20);
    }

    [Test]
    [MethodDataSource(nameof(Names))]
    public void Our_client_reads_every_answer(string name)
    {
        var output = CapturedConversation.Of(name).Output;
        var reader = new NatsOpReader(output, WireLimits.OfServers);

        while (reader.TryReadFromServer(out var op) == OperationStatus.Done)
            Assert.True(op.Verb is NatsVerb.Msg or NatsVerb.HMsg or NatsVerb.Ok or NatsVerb.Err or NatsVerb.Pong);

        Assert.Equal(output.Length, reader.Consumed);
    }

    /// <summary>What a real server wrote is what we write for the same fields.</summary>
    [Test]
    public void Our_writer_writes_the_same_bytes()
    {
        var count = 0;
        foreach (var conversation in CapturedConversation.All)
        {
            var written = new ArrayBufferWriter<byte>();
            var reader = new NatsOpReader(conversation.Output, WireLimits.OfServers);
            while (reader.TryReadFromServer(out var op) == OperationStatus.Done)
            {
                count++;
                if (op.Verb is NatsVerb.Msg or NatsVerb.HMsg)
                    NatsOps.WriteMsg(written, op.Subject, op.Sid, op.Reply, op.Headers, op.Body);
                else if (op.Verb == NatsVerb.Err) NatsOps.WriteErr(written, op.Arguments.Trim((byte)'\''));
                else written.Write(op.Verb == NatsVerb.Ok ? NatsOpWriter.Ok : NatsOpWriter.Pong);
            }

            Assert.Equal(Text(conversation.Output), Text(written.WrittenSpan));
        }

        Assert.True(count > 40);
    }

    private static string Answer(IEnumerable<byte[]> pieces, out bool isClosed)
    {
        var client = new BrokerHarness().Attach();
        client.Read();
        foreach (var piece in pieces)
            if (!client.IsClosed) client.Send(piece);
        isClosed = client.IsClosed;
        return Text(client.ReadBytes());
    }

    private static IEnumerable<byte[]> Pieces(Prng prng, byte[] input)
    {
        for (var at = 0; at < input.Length;)
        {
            var size = Math.Min(input.Length - at, prng.NextInt32(1, 1 + input.Length / 2));
            yield return input[at..(at + size)];
            at += size;
        }
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
