using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace EdgeSync.Net.Nats;

/// <summary>A JetStream stream of one subject, created when it is missing.</summary>
/// <param name="Name">No dots.</param>
/// <param name="Subject">The subject that it stores.</param>
/// <param name="Domain">The server's JetStream domain; null for none.</param>
public sealed record NatsStreamSpec(string Name, string Subject, string? Domain)
{
    public long MessagesMax { get; init; } = -1;

    public long BytesMax { get; init; } = -1;

    public TimeSpan AgeMax { get; init; }

    public int MessageBytesMax { get; init; } = -1;
}

/// <summary>The newest messages of a stream.</summary>
/// <param name="LastSequence">Of the stream, whether or not its message was requested.</param>
/// <param name="Messages">In order.</param>
public sealed record NatsStreamTail(ulong LastSequence, IReadOnlyList<ReadOnlyMemory<byte>> Messages);

/// <summary>Reads streams by NATS.Client.JetStream.</summary>
internal static class NatsStreams
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ConsumerIdleMax = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The messages of a stream after the sequence <paramref name="after"/>, the newest <paramref name="countMax"/> of
    /// them; nothing for 0. A missing stream is created. Null: the server has no JetStream, or its reply was
    /// incomplete.
    /// </summary>
    public static async Task<NatsStreamTail?> ReadTailAsync(
        NatsConnection connection, NatsStreamSpec spec, ulong after, int countMax, CancellationToken cancellationToken)
    {
        try
        {
            var context = new NatsJSContext(
                connection, new NatsJSOpts(connection.Opts, domain: spec.Domain, requestTimeout: Patience));
            var stream = await OpenAsync(context, spec, cancellationToken);
            var (first, last) = (stream.Info.State.FirstSeq, stream.Info.State.LastSeq);
            if (after == 0 || after >= last) return new NatsStreamTail(last, []);

            var start = Math.Max(Math.Max(after + 1, first), last - Math.Min(last - 1, (ulong)countMax - 1));
            return new NatsStreamTail(last, await ReadAsync(stream, start, (int)(last - start + 1), cancellationToken));
        }
        catch (Exception e) when (NatsFailureLog.IsFailure(e))
        {
            return null;
        }
    }

    private static async Task<INatsJSStream> OpenAsync(
        NatsJSContext context, NatsStreamSpec spec, CancellationToken cancellationToken)
    {
        try
        {
            return await context.GetStreamAsync(spec.Name, cancellationToken: cancellationToken);
        }
        catch (NatsJSApiException e) when (e.Error.Code == 404)
        {
            var config = new StreamConfig(spec.Name, [spec.Subject])
            {
                MaxConsumers = -1,
                MaxMsgs = spec.MessagesMax,
                MaxBytes = spec.BytesMax,
                MaxAge = spec.AgeMax,
                MaxMsgSize = spec.MessageBytesMax,
                NumReplicas = 1,
            };
            return await context.CreateStreamAsync(config, cancellationToken);
        }
    }

    private static async Task<List<ReadOnlyMemory<byte>>> ReadAsync(
        INatsJSStream stream, ulong start, int count, CancellationToken cancellationToken)
    {
        var options = new NatsJSOrderedConsumerOpts
        {
            DeliverPolicy = ConsumerConfigDeliverPolicy.ByStartSequence,
            OptStartSeq = start,
            InactiveThreshold = ConsumerIdleMax,
        };
        var consumer = await stream.CreateOrderedConsumerAsync(options, cancellationToken);
        var messages = new List<ReadOnlyMemory<byte>>(count);
        var fetch = new NatsJSFetchOpts { MaxMsgs = count, Expires = Patience };
        await foreach (var message in consumer.FetchAsync(fetch, NatsRawSerializer<byte[]>.Default, cancellationToken))
        {
            messages.Add(message.Data);
            if (messages.Count == count || message.Metadata?.NumPending == 0) break;
        }

        return messages;
    }
}
