using EdgeSync.Iroh.Endpoints;
using EdgeSync.Iroh.Relay;
using EdgeSync.Net.Relay;
using EdgeSync.Primitives;

namespace EdgeSync.Net.Iroh;

/// <summary>Drives a <see cref="HomeRelay"/>: measures all relays, and says which one is the home relay.</summary>
/// <param name="relays">Not empty. One alone needs no measuring.</param>
internal sealed class RelayChoice(
    IReadOnlyList<RelayUrl> relays, RelayProbe probe, Prng prng, TimeProvider clock, Action<RelayUrl> chosen)
    : IAsyncDisposable
{
    private readonly Alarm _alarm = new(clock);
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private volatile bool _isNetworkNew;

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());

    public void OnNetworkChange()
    {
        _isNetworkNew = true;
        _alarm.Ring();
    }

    /// <summary>Begins; one relay alone is chosen before this returns.</summary>
    public void Start() => _running = RunAsync(_stop.Token);

    /// <summary>Ends; no relay is chosen after that.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        if (relays.Count == 1)
        {
            chosen(relays[0]);
            return;
        }

        var core = new HomeRelay(prng, Now);
        while (!cancellationToken.IsCancellationRequested)
        {
            await _alarm.WaitAsync(core.ProbeAt - Now, cancellationToken);
            if (_isNetworkNew)
            {
                _isNetworkNew = false;
                core.OnNetworkChanged(Now);
            }

            if (Now < core.ProbeAt) continue;
            core.OnProbing(Now);
            if (core.OnMeasured(await MeasureAsync(cancellationToken))) chosen(core.Current!);
        }
    }

    private async Task<Dictionary<RelayUrl, TimeSpan?>> MeasureAsync(CancellationToken cancellationToken)
    {
        var times = await Task.WhenAll(relays.Select(r => probe.MeasureAsync(r, cancellationToken)));
        return relays.Zip(times).ToDictionary(pair => pair.First, pair => pair.Second);
    }
}
