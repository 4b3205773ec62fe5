using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>
/// The workload of one node: one step after the other, while its daemon runs on the same repository or is killed.
/// What was acknowledged is remembered: it must not be lost.
/// </summary>
internal sealed class NodeWork(FleetNode node, FleetEnvironment ground, ulong seed)
{
    private const int StockAttemptsMax = 20;

    private readonly string _tree = ground.Folder.Folder(node.Name, "tree");
    private readonly Prng _prng = new(seed);
    private bool _hasCheckout;

    /// <summary>Comments of the check-ins that were acknowledged; each comment is written once in a run.</summary>
    public List<string> Acknowledged { get; } = [];

    public void Do(FleetStep step)
    {
        ground.Log.Add(node.Name, $"#{step.Number} {step.Kind} {step.Detail} {step.Amount} B");
        switch (step.Kind)
        {
            case StepKind.Commit:
                Commit(step);
                break;
            case StepKind.StockCommit:
                lock (node.StockTurn) StockCommit(step);
                break;
            case StepKind.UvPut:
                Write(step);
                ground.EdgeSync.RunIn(_tree, "repo", "uv", "put", step.Detail, step.Detail, "-R", node.Repository);
                break;
            case StepKind.UvDelete:
                // Nothing to delete is no fault.
                (
                    ground.EdgeSync.Start(
                        "repo", "uv", "delete", step.Detail, "-R", node.Repository) with
                    { Folder = _tree }).Run();
                break;
            default:
                throw new InvalidOperationException($"{step.Kind} is no work");
        }
    }

    private static string Comment(FleetStep step) => $"step {step.Number} on {step.Subject}";

    private void Commit(FleetStep step)
    {
        Write(step);
        ground.EdgeSync.RunIn(
            _tree, "repo", "ci", "--nosync", "-R", node.Repository, "-m", Comment(step), "--user", StockFossil.User,
            "--allow-fork",
            "--allow-empty", "--allow-older",
            step.Detail);
        Acknowledged.Add(Comment(step));
    }

    /// <summary>Stock gives up on a busy repository after a while; then it is tried again.</summary>
    private void StockCommit(FleetStep step)
    {
        if (StockFossil.Program is null) { Commit(step); return; }

        var checkout = ground.Folder.Folder(node.Name, "checkout");
        ProgramResult? result = null;
        for (var attempt = 0; attempt < StockAttemptsMax; attempt++)
        {
            if (!_hasCheckout)
            {
                result = ground.Fossil.TryIn(checkout, "open", "--force", node.Repository);
                _hasCheckout = result.Succeeded;
                if (!_hasCheckout) continue;
            }

            var path = Path.Combine(checkout, step.Detail);
            var isNew = !File.Exists(path);
            File.WriteAllText(path, Text(step));
            if (isNew) ground.Fossil.TryIn(checkout, "add", step.Detail);
            result = ground.Fossil.TryIn(
                checkout, "commit", "-m", Comment(step), "--allow-fork", "--allow-older", "--no-warnings",
                "--no-prompt", "--user-override", StockFossil.User);
            if (!result.Succeeded) continue;

            Acknowledged.Add(Comment(step));
            return;
        }

        throw new FleetFault($"the stock program cannot commit on {node.Name}: {result}");
    }

    private void Write(FleetStep step) => File.WriteAllText(Path.Combine(_tree, step.Detail), Text(step));

    /// <summary>Text of the size in the plan, and never the same twice.</summary>
    private string Text(FleetStep step)
    {
        var text = new System.Text.StringBuilder($"{Comment(step)}\n", step.Amount + 80);
        while (text.Length < step.Amount) text.Append(_prng.NextUInt64()).Append(_prng.Chance(0.2) ? '\n' : ' ');
        return text.Append('\n').ToString();
    }
}
