using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>
/// What <c>cron</c> does on a node without a daemon: a sync, a pause, a sync. One that fails is tried again at the next
/// turn; one that hangs is killed, in the middle of whatever it does.
/// </summary>
internal sealed class CronLoop(FleetNode node, FleetEnvironment ground) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(8);

    private readonly CancellationTokenSource _ending = new();
    private Task _running = Task.CompletedTask;

    public int Succeeded { get; private set; }

    public int Failed { get; private set; }

    public int Hung { get; private set; }

    public void Begin() => _running = RunAsync();

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _running;
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Run(SyncInTurn);
                await Task.Delay(Pause, _ending.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The fleet is done.
        }
    }

    private void SyncInTurn()
    {
        if (node.Plan.Role != NodeRole.StockCron)
        {
            SyncOnce();
            return;
        }

        lock (node.StockTurn) SyncOnce();
    }

    private void SyncOnce()
    {
        var url = $"http://{ground.Guard.UserInfo}127.0.0.1:{ground.Proxy[node.Plan.Uplink!].Port}/";
        var start = node.Plan.Role == NodeRole.StockCron
            ? ground.Fossil.Start("sync", url, "--once", "-u", "-R", node.Repository)
            : ground.EdgeSync.Start("repo", "sync", url, "--once", "--uv", "-R", node.Repository);
        using var program = start.Begin();
        var result = WaitFor(program);
        if (result is { Succeeded: true })
        {
            Succeeded++;
            return;
        }

        Failed++;
        Hung += result is null ? 1 : 0;
        ground.Log.Add(
            node.Name,
            result is null ? "sync hangs; killed" : $"sync ends with {result.ExitCode}: {LastLine(result.Text)}");
        if (result is { ExitCode: 70 or 8 }) throw new FleetFault($"sync on {node.Name}: {result}");
    }

    private static ProgramResult? WaitFor(RunningProgram program)
    {
        try
        {
            return program.WaitForEnd(PatienceMax);
        }
        catch (Xunit.Sdk.XunitException)
        {
            return null;   // it was killed
        }
    }

    private static string LastLine(string text) => text.TrimEnd().Split('\n')[^1];
}
