using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Node.Host;

/// <summary>What a test says of a check-in.</summary>
public enum BisectVerdict
{
    /// <summary>It works.</summary>
    Good,

    /// <summary>It does not work.</summary>
    Bad,

    /// <summary>It cannot be judged.</summary>
    Skip,
}

/// <summary>A search for the check-in that broke something.</summary>
/// <param name="Good">The last one that is known to work; null: none is known.</param>
/// <param name="Bad">The first one that is known not to; null: none is known.</param>
/// <param name="IsComplete">The search is over: <paramref name="Bad"/> is the one.</param>
public sealed record BisectState(CheckinSummary? Good, CheckinSummary? Bad, bool IsComplete)
{
    /// <summary>
    /// The check-in to judge, which is checked out; null before both ends are known and when the search is over.
    /// </summary>
    public CheckinSummary? Next { get; init; }

    /// <summary>About how many more verdicts it takes after that on <see cref="Next"/>.</summary>
    public int StepsRemaining { get; init; }

    /// <summary>Conflicts of local edits with the files of <see cref="Next"/>.</summary>
    public int Conflicts { get; init; }
}

/// <summary>
/// Finds the check-in that broke something: what <c>edgesync bisect</c> does, in the same variables of the checkout as
/// stock's. Once a good and a bad check-in are known, each verdict checks out the next one to judge.
/// </summary>
public sealed class Bisect
{
    private const string DirectOnly = "direct-only";

    private readonly Checkout _checkout;

    internal Bisect(Checkout checkout) => _checkout = checkout;

    /// <summary>The search goes along merges, too, and not only from child to primary parent (default false).</summary>
    public bool FollowsMerges
    {
        get => Do((_, bisect) => !bisect.IsOn(DirectOnly));
        set => Do((_, bisect) => bisect[DirectOnly] = value ? "off" : "on");
    }

    /// <summary>Where the search is.</summary>
    public BisectState State => Do(StateOf);

    /// <summary>A check-in works.</summary>
    /// <param name="version">A name; null: the one that is checked out.</param>
    /// <exception cref="EdgeSyncException">
    /// NotFound: no such version, nothing is checked out, or no path joins the good and the bad one.
    /// </exception>
    public BisectState Good(string? version = null) => Mark(BisectVerdict.Good, version);

    /// <summary>A check-in does not work.</summary>
    /// <inheritdoc cref="Good"/>
    public BisectState Bad(string? version = null) => Mark(BisectVerdict.Bad, version);

    /// <summary>A check-in cannot be judged. Counts once another verdict was given.</summary>
    /// <inheritdoc cref="Good"/>
    public BisectState Skip(string? version = null) => Mark(BisectVerdict.Skip, version);

    /// <summary>Judges check-ins until the one is found, or the test throws.</summary>
    /// <param name="test">Called with the files of each check-in in the folder of the checkout.</param>
    /// <exception cref="EdgeSyncException">Usage: a good or a bad check-in is missing.</exception>
    public BisectState Run(Func<CheckinSummary, BisectVerdict> test)
    {
        ArgumentNullException.ThrowIfNull(test);
        var state = State;
        if (state.Good is null || state.Bad is null)
            throw new EdgeSyncException(
                ErrorKind.Usage, "a search needs a check-in that works and one that does not", "Good, and Bad");

        state = Do(Advanced);
        while (state.Next is { } next) state = Mark(test(next), null);
        return state;
    }

    /// <summary>Takes the last verdict back.</summary>
    /// <exception cref="EdgeSyncException">NotFound: there is none.</exception>
    public BisectState Undo() => Do((checkout, bisect) =>
    {
        bisect.Undo();
        return Advanced(checkout, bisect);
    });

    /// <summary>Forgets the search; what is checked out stays.</summary>
    public void Reset() => Do((_, bisect) =>
    {
        bisect.Reset();
        return 0;
    });

    private BisectState Mark(BisectVerdict verdict, string? version) => Do((checkout, bisect) =>
    {
        var rid = version is null ? checkout.Version : checkout.Repository.Names.ResolveCheckin(version);
        if (rid.IsNone)
            throw new EdgeSyncException(ErrorKind.NotFound, "nothing is checked out", "name a check-in");

        if (verdict == BisectVerdict.Good) bisect.MarkGood(rid);
        else if (verdict == BisectVerdict.Bad) bisect.MarkBad(rid);
        else bisect.Skip(rid);
        return Advanced(checkout, bisect);
    });

    private static BisectState Advanced(WorkingCheckout checkout, CheckoutBisect bisect)
    {
        if (!bisect.IsBounded) return StateOf(checkout, bisect);

        var path = bisect.Path();
        var next = bisect.NextOf(path);
        if (next.IsNone)
        {
            bisect.Complete();
            return StateOf(checkout, bisect);
        }

        var outcome = CheckoutUpdate.Run(
            checkout, new CheckoutUpdateOptions { CommandLine = "bisect next", Target = next });
        return StateOf(checkout, bisect) with
        {
            Next = HostedRepository.Summary(checkout.Repository, next),
            StepsRemaining = path.StepsRemaining,
            Conflicts = outcome.Conflicts,
        };
    }

    private static BisectState StateOf(WorkingCheckout checkout, CheckoutBisect bisect)
    {
        var state = new BisectState(SummaryOf(bisect.Good), SummaryOf(bisect.Bad), bisect.IsComplete);
        if (!bisect.IsBounded || bisect.IsComplete) return state;

        var path = bisect.Path();
        return bisect.NextOf(path) == checkout.Version
            ? state with { Next = SummaryOf(checkout.Version), StepsRemaining = path.StepsRemaining }
            : state;

        CheckinSummary? SummaryOf(RecordId rid) =>
            rid.IsNone ? null : HostedRepository.Summary(checkout.Repository, rid);
    }

    private T Do<T>(Func<WorkingCheckout, CheckoutBisect, T> work) =>
        _checkout.Do(checkout => work(checkout, new CheckoutBisect(checkout)));
}
