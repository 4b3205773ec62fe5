using System.Threading.Channels;
using EdgeSync.Nats.Client;

namespace EdgeSync.InteropTests.Nats;

/// <summary>Hears what happens to a connection, and waits for the thing that a test needs.</summary>
internal sealed class NewsLog
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<NatsConnectionNews> _news = Channel.CreateUnbounded<NatsConnectionNews>();

    public void Hear(NatsConnectionNews news) => _news.Writer.TryWrite(news);

    /// <summary>Skips what came before.</summary>
    public async Task<NatsConnectionNews> WaitForAsync(NatsConnectionNewsKind kind)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current!.Execution.CancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            var news = await _news.Reader.ReadAsync(patience.Token);
            if (news.Kind == kind) return news;
        }
    }
}
