using System.IO.Pipelines;

namespace EdgeSync.IntegrationTests.Net.Nats;

/// <summary>A pipe to a broker that a test can cut: whoever reads from it sees the end.</summary>
internal sealed class CuttablePipe(IDuplexPipe inner) : IDuplexPipe
{
    public PipeReader Input => inner.Input;

    public PipeWriter Output => inner.Output;

    /// <summary>The reader under way comes back with a cancelled read, as after a reset connection.</summary>
    public void Cut() => inner.Input.CancelPendingRead();
}
