using System.Buffers;
using System.IO.Pipelines;
using NATS.Client.Core;

namespace EdgeSync.Net.Nats;

/// <summary>
/// Connects NATS.Net to the broker in this process: for parts that exist as a library only (JetStream beyond a leaf
/// link).
/// </summary>
internal sealed class InProcessSocketFactory(Func<IDuplexPipe> open) : INatsSocketConnectionFactory
{
    public ValueTask<INatsSocketConnection> ConnectAsync(Uri uri, NatsOpts opts, CancellationToken cancellationToken) =>
        ValueTask.FromResult<INatsSocketConnection>(new InProcessSocket(open()));

    private sealed class InProcessSocket(IDuplexPipe pipe) : INatsSocketConnection
    {
        public async ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer)
        {
            var flushed = await pipe.Output.WriteAsync(buffer);
            return flushed.IsCompleted ? throw new IOException("the broker closed the pipe") : buffer.Length;
        }

        public async ValueTask<int> ReceiveAsync(Memory<byte> buffer)
        {
            var read = await pipe.Input.ReadAsync();
            var taken = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, buffer.Length));
            taken.CopyTo(buffer.Span);
            var count = (int)taken.Length;   // read before the segments return to the pipe
            pipe.Input.AdvanceTo(taken.End);
            return count;
        }

        public async ValueTask DisposeAsync()
        {
            pipe.Input.CancelPendingRead();
            await pipe.Output.CompleteAsync();
        }
    }
}
