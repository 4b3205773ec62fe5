using EdgeSync.Agent;
using EdgeSync.Agent.Messages;
using EdgeSync.Fossil.Xfer;
using EdgeSync.Nats.Broker;
using EdgeSync.Nats.Exchange;
using EdgeSync.Net.Nats;
using EdgeSync.Node.Agents;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>The carrier and the responder of a daemon, over a broker in this process.</summary>
public sealed class NatsExchangeTests
{
    private static readonly ProjectSubjects Subjects = new("fossil", new string('a', 40));

    [Test]
    [Arguments(1)]
    [Arguments(1000)]
    [Arguments(200_000)]
    [Arguments(3_000_000)]
    public async Task A_message_of_any_size_comes_back_as_it_went(int size)
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        await using var broker = await NatsBroker.StartAsync(
            new NatsBrokerOptions
            {
                Broker = new BrokerOptions { ServerName = "broker" },
                Entropy = SystemEntropy.Instance
            }, TimeProvider.System, null, token);
        var (asks, answers) = (broker.OpenLocal("asks"), broker.OpenLocal("answers"));
        await using var responder = NatsResponder.Start(
            answers, new ExchangeOptions { NodeId = "answers" }, Subjects,
            (message, _, _, _) => Task.FromResult(Echo(message.Data)), Context);
        var route = new NatsRoute(Subjects.Sync, IsAddressed: false, Subjects.SyncOf);
        using var transport = new NatsTransport(
            asks, new ExchangeOptions { NodeId = "asks" }, route, TimeProvider.System, SystemEntropy.Instance);
        var message = new byte[size];
        new Random(size).NextBytes(message);

        for (var round = 0; round < 3; round++)
        {
            var reply = (await transport.ExchangeAsync(message, mayStream: false, token)).Whole;

            Assert.True(reply.Span.SequenceEqual(message), $"round {round}: {reply.Length} bytes came back of {size}");
        }

        Assert.Equal("answers", transport.Responder);
    }

    private static NodeContext Context { get; } = new(
        "answers", NodeRole.Peer, [], TimeProvider.System, NullLogger.Instance,
        e => throw e);

    private static ResponderAnswer Echo(ReadOnlyMemory<byte> framed)
    {
        if (XferFrame.TryDecode(XferEncoding.Zlib, framed, 1 << 30, out var message) != XferFrameFault.None)
            return ResponderAnswer.Refused(
                ExchangeRefusal.Failed, $"a request of {framed.Length} bytes does not unpack");

        using var reply = new PooledBytes();
        XferFrame.Encode(XferEncoding.Zlib, message.Span, reply);
        return new ResponderAnswer(reply.Written.ToArray(), null);
    }
}
