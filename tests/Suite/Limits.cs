using TUnit.Core.Interfaces;

// Most tests start processes or fill a processor; some wait for a timer or a peer.
[assembly: ParallelLimiter<EdgeSync.Tests.Suite.ProcessorLimit>]

namespace EdgeSync.Tests.Suite;

/// <summary>How many tests of a suite run at the same time.</summary>
public sealed class ProcessorLimit : IParallelLimit
{
    public int Limit => Math.Max(2, Environment.ProcessorCount);
}
