using EdgeSync.Node.Iroh.Diagnostics;

namespace EdgeSync.InteropTests.Quic;

/// <summary>A listener of ours that serves until it is disposed.</summary>
internal sealed class Listening : IDisposable
{
    private readonly TestListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public Listening(TestListener listener) => (_listener, _serving) = (listener, listener.ServeAsync(_stop.Token));

    public string Ticket => _listener.Ticket;

    public void Dispose()
    {
        _stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => _serving.GetAwaiter().GetResult());
        _listener.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _stop.Dispose();
    }
}

internal static class TestListenerExtensions
{
    public static Listening Serving(this TestListener listener) => new(listener);
}
