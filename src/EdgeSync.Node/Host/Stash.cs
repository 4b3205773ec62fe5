using System.Globalization;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;
using Stashes = EdgeSync.Storage.Checkout.CheckoutStash;

namespace EdgeSync.Node.Host;

/// <summary>Changes of a checkout that were put aside.</summary>
/// <param name="Number">Names it; numbers grow.</param>
/// <param name="Comment">What was said about it; null: nothing.</param>
/// <param name="Date">When it was put aside.</param>
/// <param name="Version">Full hash of the check-in that was checked out then.</param>
/// <param name="Files">Its files: <c>ADD</c>, <c>REMOVE</c>, <c>RENAME</c> or <c>EDIT</c>.</param>
public sealed record StashedChanges(
    long Number, string? Comment, DateTimeOffset Date, string Version, IReadOnlyList<CheckoutFile> Files);

/// <summary>What bringing changes back did.</summary>
/// <param name="Changes">What was brought back.</param>
/// <param name="Files">
/// The files that were written: <c>UPDATE</c>, <c>ADDED</c>, <c>DELETE</c>, <c>MERGE</c> (with what was edited
/// meanwhile) or <c>CONFLICT</c>.
/// </param>
/// <param name="Conflicts">How many files were changed on both sides so that a person has to decide.</param>
public sealed record StashResult(StashedChanges Changes, IReadOnlyList<CheckoutFile> Files, int Conflicts);

/// <summary>
/// Changes that are put aside and brought back: what <c>edgesync stash</c> does, in the same tables as stock's.
/// <see cref="Checkout.Undo"/> takes back what a call did to files, and <see cref="Drop"/>.
/// </summary>
public sealed class Stash
{
    private readonly Checkout _checkout;

    internal Stash(Checkout checkout) => _checkout = checkout;

    /// <summary>What was put aside, the oldest first.</summary>
    public IReadOnlyList<StashedChanges> List() => _checkout.Do<IReadOnlyList<StashedChanges>>(
        c => [.. Stashes.Entries(c).Select(entry => Of(c, entry))]);

    /// <summary>Puts changes aside, and brings the files back to what the check-in has.</summary>
    /// <param name="comment">What is said about it; null: nothing.</param>
    /// <param name="paths">Files and folders below the folder of the checkout; null or none: every change.</param>
    /// <param name="keepsFiles">The files stay as they are: a copy of the changes is kept.</param>
    /// <exception cref="EdgeSyncException">NotFound: nothing has changed.</exception>
    public StashedChanges Save(string? comment = null, IReadOnlyList<string>? paths = null, bool keepsFiles = false) =>
        _checkout.Do(c =>
        {
            var (id, _) = Stashes.Save(c, comment, _checkout.Names(c, paths ?? []), reverts: !keepsFiles, "stash save");
            return Of(c, Find(c, id));
        });

    /// <summary>Brings changes back, merged with what was edited meanwhile, and keeps them here, too.</summary>
    /// <param name="number">Null: the newest.</param>
    /// <exception cref="EdgeSyncException">NotFound: there are none of this number.</exception>
    public StashResult Apply(long? number = null) => Apply(number, "stash apply", pops: false, goesToBase: false);

    /// <summary>Brings changes back, merged with what was edited meanwhile, and removes them here.</summary>
    /// <inheritdoc cref="Apply(long?)"/>
    public StashResult Pop(long? number = null) => Apply(number, "stash pop", pops: true, goesToBase: false);

    /// <summary>Goes to the check-in that changes were put aside at, and brings them back.</summary>
    /// <inheritdoc cref="Apply(long?)"/>
    public StashResult GoTo(long? number = null) => Apply(number, "stash goto", pops: false, goesToBase: true);

    /// <summary>Removes changes that were put aside.</summary>
    /// <exception cref="EdgeSyncException">NotFound: there are none of a number. Nothing is removed then.</exception>
    public void Drop(params IReadOnlyList<long> numbers) => _checkout.Do(c =>
    {
        Stashes.Drop(c, [.. numbers.Distinct().Select(number => Find(c, number))], "stash drop");
        return 0;
    });

    /// <summary>Removes everything that was put aside, for good.</summary>
    public void Clear() => _checkout.Do(c =>
    {
        Stashes.Clear(c);
        return 0;
    });

    private StashResult Apply(long? number, string commandLine, bool pops, bool goesToBase) => _checkout.Do(c =>
    {
        var entry = Find(c, number);
        var changes = Of(c, entry);
        var outcome = Stashes.Apply(
            c, entry, new StashApplyOptions { CommandLine = commandLine, Pops = pops, GoesToBase = goesToBase });
        return new StashResult(
            changes, [.. outcome.Files.Select(f => new CheckoutFile(f.NewName ?? f.Name, f.Action))],
            outcome.Conflicts);
    });

    private static StashEntry Find(WorkingCheckout checkout, long? number) =>
        Stashes.Find(checkout, number?.ToString(CultureInfo.InvariantCulture));

    private static StashedChanges Of(WorkingCheckout checkout, StashEntry entry) => new(
        entry.Id, entry.Comment,
        DateTimeOffset.ParseExact(
            entry.Date, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
        entry.Hash,
        [
            .. Stashes.Files(checkout, entry).Select(f => new CheckoutFile(
                f.Name, f.IsAdded ? "ADD" : f.IsRemoved ? "REMOVE" : f.OriginalName != f.Name ? "RENAME" : "EDIT")),
        ]);
}
