using System.Runtime.InteropServices;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// SIGINT and SIGTERM: the first cancels the token, the second ends the process at once. Nothing is installed until a
/// command uses the token.
/// </summary>
internal static class Stopping
{
    private static readonly Lazy<CancellationTokenSource> Source = new(Install);
    private static readonly List<PosixSignalRegistration> Registrations = [];
    private static int _signals;

    public static CancellationToken Token => Source.Value.Token;

    /// <summary>Null without a signal.</summary>
    public static ExitCode? Cause { get; private set; }

    private static CancellationTokenSource Install()
    {
        var source = new CancellationTokenSource();
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM])
            Registrations.Add(PosixSignalRegistration.Create(signal, context => OnSignal(context, source)));
        return source;
    }

    private static void OnSignal(PosixSignalContext context, CancellationTokenSource source)
    {
        // Not cancelled: the default action ends the process. A repository survives that at any moment.
        if (Interlocked.Increment(ref _signals) > 1) return;

        context.Cancel = true;
        Cause = context.Signal == PosixSignal.SIGINT ? ExitCode.Interrupted : ExitCode.Terminated;
        source.Cancel();
    }
}
