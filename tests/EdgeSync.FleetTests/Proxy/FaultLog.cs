using System.Diagnostics;
using System.Globalization;

namespace EdgeSync.FleetTests.Proxy;

/// <summary>What was done to which link, and when: one line each, in the order of happening.</summary>
internal sealed class FaultLog
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly List<string> _lines = [];

    public TimeSpan Now => _watch.Elapsed;

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    public void Add(string subject, string action)
    {
        var line = string.Create(
            CultureInfo.InvariantCulture, $"{_watch.Elapsed.TotalSeconds,8:0.000}  {subject,-14} {action}");
        lock (_lines) _lines.Add(line);
    }
}
