namespace EdgeSync.FleetTests.Fleet;

/// <summary>
/// Does things one after the other in the background; its owner waits for the end and gets the first fault.
/// </summary>
internal sealed class SerialWork
{
    private readonly Lock _lock = new();
    private Task _last = Task.CompletedTask;

    public void Add(Action work)
    {
        lock (_lock) _last = After(_last, work);
    }

    public Task EndAsync()
    {
        lock (_lock) return _last;
    }

    private static async Task After(Task before, Action work)
    {
        await before;
        await Task.Run(work);
    }
}
