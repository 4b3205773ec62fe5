using System.Buffers;
using System.IO.Pipelines;
using EdgeSync.Nats.Broker;

namespace EdgeSync.Net.Nats.Transports;

/// <summary>A client in this process: two pipes and no socket.</summary>
internal sealed class PipeTransport(PipeReader input, PipeWriter output) : BrokerTransport
{
    public override async ValueTask<int> ReadAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        var result = await input.ReadAsync(cancellationToken);
        var part = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, target.Length));
        part.CopyTo(target.Span);
        var count = (int)part.Length;   // read before the segments return to the pipe
        input.AdvanceTo(part.End);
        if (result.IsCanceled) throw new IOException("the connection was cut");

        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var result = await output.WriteAsync(bytes, cancellationToken);
        if (result.IsCanceled || result.IsCompleted) throw new IOException("the other side has ended");
    }

    public override ValueTask CompleteAsync(CloseReason reason, CancellationToken cancellationToken) =>
        output.CompleteAsync();

    public override void Abort()
    {
        input.CancelPendingRead();
        output.CancelPendingFlush();
    }

    public override async ValueTask DisposeAsync()
    {
        await output.CompleteAsync();
        await input.CompleteAsync();
    }
}
