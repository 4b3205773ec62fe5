using System.Globalization;

namespace EdgeSync.FleetTests.Fleet;

/// <summary>What can happen to a fleet.</summary>
internal enum StepKind
{
    /// <summary>A check-in of one file by our program.</summary>
    Commit,

    /// <summary>The same by the stock program, from a checkout.</summary>
    StockCommit,

    /// <summary>An unversioned file is written.</summary>
    UvPut,

    /// <summary>An unversioned file is deleted, if it is there.</summary>
    UvDelete,

    Cut,
    Stall,
    StallUp,
    StallDown,
    Delay,
    Reset,
    ResetAfter,
    Shape,
    Heal,

    /// <summary>A process dies as in a power cut.</summary>
    Kill,

    /// <summary>It comes back.</summary>
    Start,
}

/// <summary>One act of a plan, on a node or on a cable.</summary>
/// <param name="At">After the beginning of the window.</param>
/// <param name="Subject">Name of the node or of the link.</param>
/// <param name="Number">Of the step in the plan; work carries it in what it writes.</param>
/// <param name="Amount">Bytes of a file or until a reset; milliseconds of a delay.</param>
/// <param name="Detail">Name of the file, or of the profile.</param>
internal sealed record FleetStep(TimeSpan At, StepKind Kind, string Subject, int Number, int Amount, string Detail)
{
    public bool IsWork => Kind <= StepKind.UvDelete;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{At.TotalSeconds,7:0.00}  #{Number,-3} {Subject,-12} {Kind} {Amount} {Detail}");
}
