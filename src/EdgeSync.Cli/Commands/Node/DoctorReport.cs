using EdgeSync.Cli.Printing;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>The report of <c>doctor</c>; docs/cli.md has the contract.</summary>
/// <param name="Status"><c>healthy</c>, <c>warned</c> or <c>failed</c>.</param>
internal sealed record DoctorReport(
    string Status, int Passed, int Warnings, int Failed, IReadOnlyList<NodeCheck> Checks) : IReport
{
    public static DoctorReport Of(IReadOnlyList<NodeCheck> checks)
    {
        var warnings = checks.Count(c => c.State == CheckState.Warning);
        var failed = checks.Count(c => c.State == CheckState.Failed);
        return new DoctorReport(
            failed > 0 ? "failed" : warnings > 0 ? "warned" : "healthy", checks.Count - warnings - failed, warnings,
            failed, checks);
    }

    public void Print(TextWriter output)
    {
        foreach (var check in Checks)
        {
            var word = check.State switch { CheckState.Ok => "OK  ", CheckState.Warning => "WARN", _ => "FAIL" };
            output.WriteLine(
                check.Detail is null ? $"{word}  {check.Name}" : $"{word}  {check.Name}: "
                    + $"{DisplayText.OneLine(check.Detail)}");
            if (check.Hint is not null) output.WriteLine($"      try: {check.Hint}");
        }

        output.WriteLine($"=== {Passed} passed, {Warnings} warnings, {Failed} failed ===");
    }
}
