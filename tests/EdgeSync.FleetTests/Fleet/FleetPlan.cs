using System.Text;
using EdgeSync.FleetTests.Proxy;
using EdgeSync.Primitives;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>
/// The nodes of a fleet and their faults, drawn from the seed before anything is started: the same options give
/// the same plan on every machine.
/// </summary>
internal sealed class FleetPlan
{
    private const int FileBytesMax = 6_000;
    private const int FileBytesLarge = 120_000;

    private readonly Prng _prng;
    private readonly List<FleetStep> _steps = [];

    public FleetPlan(FleetOptions options)
    {
        Options = options;
        _prng = new Prng(options.Seed * 4 + (ulong)options.Severity);
        Layout = FleetLayout.Of(options, _prng.Fork());
        DrawWork();
        DrawFaults();
        _steps.Sort((a, b) => a.At != b.At ? a.At.CompareTo(b.At) : a.Number.CompareTo(b.Number));
    }

    public FleetOptions Options { get; }

    public FleetLayout Layout { get; }

    public IReadOnlyList<FleetStep> Steps => _steps;

    /// <summary>The whole plan as text, for the report of a failure.</summary>
    public override string ToString()
    {
        var text = new StringBuilder().AppendLine(Options.ReplayLine)
            .AppendLine($"{Layout} ({Options.Guard.ToString().ToLowerInvariant()})");
        foreach (var step in _steps) text.AppendLine(step.ToString());
        return text.ToString();
    }

    /// <summary>A commit a second on some node, on the average; other work in between.</summary>
    private void DrawWork()
    {
        var writers = Layout.Nodes.Where(node => node.HoldsRepository).ToArray();
        var count = (int)Options.Window.TotalSeconds + writers.Length;
        for (var i = 0; i < count; i++)
        {
            var node = i < writers.Length ? writers[i] : _prng.Pick(writers);
            var kind = _prng.NextInt32(10) switch
            {
                < 5 => StepKind.Commit,
                < 8 => StepKind.StockCommit,
                < 9 => StepKind.UvPut,
                _ => StepKind.UvDelete,
            };
            if (i < writers.Length) kind = StepKind.Commit;
            var bytes = _prng.Chance(0.1) ? FileBytesLarge : _prng.NextInt32(1, FileBytesMax);
            // Each node writes files of its own and some that others write too.
            var name = kind is StepKind.UvPut or StepKind.UvDelete
                ? $"uv-{_prng.NextInt32(4)}.bin"
                : _prng.Chance(0.5) ? $"{node.Name}-{_prng.NextInt32(5)}.txt" : $"shared-{_prng.NextInt32(5)}.txt";
            Add(Moment(), kind, node.Name, bytes, name);
        }
    }

    private void DrawFaults()
    {
        var count = Options.Severity switch
        {
            Severity.Normal => 0,
            Severity.Adversarial => _prng.NextInt32(3, 7),
            _ => _prng.NextInt32(6, 13),
        };
        var links = Layout.Links.ToArray();
        foreach (var link in links)
            if (Options.Severity > Severity.Normal && _prng.Chance(0.3))
                Add(TimeSpan.Zero, StepKind.Shape, link.Name, 0, _prng.Pick<string>(["lan", "wifi", "lte", "3g"]));

        for (var i = 0; i < count; i++)
        {
            if (Options.Severity == Severity.Hostile && _prng.Chance(0.35)) DrawKill();
            else DrawFaultOf(_prng.Pick(links));
        }
    }

    private void DrawKill()
    {
        var node = _prng.Pick(Layout.Nodes.Where(node => node.IsProcess).ToArray());
        var at = Moment();
        Add(at, StepKind.Kill, node.Name);
        Add(at + Between(0.1, 3), StepKind.Start, node.Name);
    }

    private void DrawFaultOf(LinkPlan link)
    {
        var at = Moment();
        var until = at + Between(0.5, 5);
        var kind = _prng.Pick<StepKind>(
        [
            StepKind.Cut, StepKind.Stall, StepKind.StallUp, StepKind.StallDown, StepKind.Delay, StepKind.Reset,
                StepKind.ResetAfter,
            StepKind.Shape,
        ]);
        switch (kind)
        {
            case StepKind.Reset:
                Add(at, kind, link.Name);
                return;
            case StepKind.ResetAfter:
                Add(at, kind, link.Name, _prng.NextInt32(1, 20_000), _prng.Pick<string>(["up", "down"]));
                break;
            case StepKind.Delay:
                Add(at, kind, link.Name, _prng.NextInt32(50, 1000));
                break;
            case StepKind.Shape:
                Add(at, kind, link.Name, 0, _prng.Pick(LinkProfile.Named.ToArray()).Name);
                Add(until, kind, link.Name, 0, LinkProfile.Direct.Name);
                return;
            default:
                Add(at, kind, link.Name);
                break;
        }

        Add(until, StepKind.Heal, link.Name);
    }

    private TimeSpan Moment() => Options.Window * _prng.NextDouble();

    private TimeSpan Between(double minSeconds, double maxSeconds) =>
        TimeSpan.FromSeconds(minSeconds + _prng.NextDouble() * (maxSeconds - minSeconds));

    private void Add(TimeSpan at, StepKind kind, string subject, int amount = 0, string detail = "") =>
        _steps.Add(new FleetStep(at, kind, subject, _steps.Count + 1, amount, detail));
}
