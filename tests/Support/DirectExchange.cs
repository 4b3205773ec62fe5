using System.Buffers;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Tests.Support;

/// <summary>Runs client sessions against a server handler, message by message, without any transport.</summary>
internal sealed class DirectExchange(IArtifactStore server, ServerOptions? serverOptions = null)
{
    private const int RoundsMax = 500;

    public List<ServerOutcome> Outcomes { get; } = [];

    public List<byte[]> Requests { get; } = [];

    public List<byte[]> Replies { get; } = [];

    public static Instant Now { get; } = Instant.FromUnixSeconds(1_700_000_000);

    public SyncReport Run(IArtifactStore client, ClientOptions options, ulong seed = 1, Instant? now = null)
    {
        using var session = new ClientSession(client, options, new SeededEntropy(seed));
        var buffer = new ArrayBufferWriter<byte>();
        for (var round = 0; session.TryBuildRequest(now ?? Now, buffer); round++)
        {
            Invariant.Require(round < RoundsMax);
            session.Receive(now ?? Now, Answer(buffer.WrittenSpan.ToArray(), now));
            buffer.ResetWrittenCount();
        }

        return session.Report;
    }

    public byte[] Answer(byte[] request, Instant? now = null, byte[]? loginCard = null)
    {
        using var reply = new PooledBytes();
        Requests.Add(request);
        Outcomes.Add(
            new ServerHandler(server, serverOptions ?? new ServerOptions()).Handle(
                now ?? Now, request, "test", reply, loginCard));
        Replies.Add(reply.Written.ToArray());
        return Replies[^1];
    }

    public string AnswerText(string request) => System.Text.Encoding.UTF8.GetString(
        Answer(System.Text.Encoding.UTF8.GetBytes(request)));
}
