using System.Buffers;
using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Client;

/// <summary>
/// Publishes that wait for a server. The policy: what a socket never took is kept and goes out first on the next link, up to a
/// bound; what was handed to a socket that broke is gone, because nobody can know whether it arrived (at most once).
/// </summary>
internal sealed class PendingPublishes
{
    private readonly OutputBuffer _waiting = new();

    public int Count => _waiting.Count;

    public OutputBuffer Buffer => _waiting;

    /// <summary>Of the bytes that a broken link left behind only publishes are worth keeping: subscriptions are made anew.</summary>
    public void KeepFrom(OutputBuffer output, int bytesMax)
    {
        Copy(output.Written, _waiting, bytesMax, int.MaxValue);
        output.Clear();
    }

    /// <summary>Moves all to a new link. Answers how many were too large for its server and dropped.</summary>
    public int MoveTo(OutputBuffer output, int maxPayload)
    {
        var dropped = Copy(_waiting.Written, output, int.MaxValue, maxPayload);
        _waiting.Clear();
        return dropped;
    }

    public void Clear() => _waiting.Clear();

    private static int Copy(ReadOnlySpan<byte> operations, OutputBuffer target, int bytesMax, int payloadMax)
    {
        var reader = new NatsOpReader(operations, new WireLimits(int.MaxValue, int.MaxValue));
        var dropped = 0;
        for (var begin = 0; reader.TryReadFromClient(out var op) == OperationStatus.Done; begin = reader.Consumed)
        {
            if (op.Verb is not (NatsVerb.Pub or NatsVerb.HPub)) continue;

            var bytes = operations[begin..reader.Consumed];
            if (op.TotalBytes > payloadMax || target.Count + bytes.Length > bytesMax) dropped++;
            else target.Write(bytes);
        }

        return dropped;
    }
}
