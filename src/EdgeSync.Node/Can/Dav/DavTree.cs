using EdgeSync.Can.Assets;
using EdgeSync.Can.Dav;
using EdgeSync.Storage.Assets;

namespace EdgeSync.Node.Can.Dav;

/// <summary>Finds and lists what the tree shows of a store.</summary>
internal sealed class DavTree(AssetStore store)
{
    private const int PageSize = 500;

    /// <summary>Folders of applications that a client has made and that hold nothing yet, in memory.</summary>
    private const int MadeMax = 256;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _made = [];

    /// <summary>Whether a folder is there.</summary>
    public bool HasFolder(DavPlace place) => place.Kind switch
    {
        DavKind.Application => IsMade(place.Name) || HasAssets(place),
        DavKind.Tag or DavKind.Year or DavKind.Month => HasAssets(place),
        DavKind.File => false,
        _ => true,
    };

    /// <summary>The asset of a file; null: it is not there.</summary>
    public Asset? Find(DavPlace file)
    {
        var (folder, name) = (file.Folder!, file.Name);
        if (folder.Kind != DavKind.All)
        {
            if (DavNames.TryParseSuffix(name, out var prefix)
                && store.Page(folder.Query with { HashPrefix = prefix, Limit = 10 }).Items.FirstOrDefault(
                    a => DavNames.PlainOf(a) is { } plain && DavNames.WithSuffix(plain, a.Hash) == name) is { } known)
                return known;
            if (store.FirstNamed(folder.Query, DavNames.Decode(name)) is { } first) return first;
        }

        return AssetFileName.TryParse(name, out var parsed)
            && store.Page(folder.Query with { HashPrefix = parsed.Hash.ToString(), Limit = 1 }).Items is [var asset]
            && asset.FileName == name ? asset : null;
    }

    /// <summary>What is in a folder, in pieces.</summary>
    public IEnumerable<IReadOnlyList<(DavPlace Place, Asset? Asset)>> List(DavPlace folder) => folder.Kind switch
    {
        DavKind.Root =>
            [
                [
                    (new DavPlace(DavKind.Applications), null), (new DavPlace(DavKind.All), null),
                    (new DavPlace(DavKind.Dates), null), (new DavPlace(DavKind.Tags), null),
                ],
            ],
        DavKind.Applications => Applications(),
        DavKind.Tags => Names(store.TagsAfter, name => new DavPlace(DavKind.Tag, name)),
        DavKind.Dates or DavKind.Year => [Dates(folder)],
        _ => Assets(folder),
    };

    /// <summary>Remembers a folder; false when there are too many.</summary>
    public bool TryMake(string application)
    {
        lock (_gate) return _made.Contains(application) || (_made.Count < MadeMax && _made.Add(application));
    }

    /// <summary>Forgets a folder; false when none was made.</summary>
    public bool Forget(string application)
    {
        lock (_gate) return _made.Remove(application);
    }

    private bool IsMade(string application)
    {
        lock (_gate) return _made.Contains(application);
    }

    private bool HasAssets(DavPlace folder) => store.NamedAfter(folder.Query, 0, 1).Count > 0;

    private IEnumerable<IReadOnlyList<(DavPlace, Asset?)>> Assets(DavPlace folder)
    {
        var after = 0L;
        while (true)
        {
            var page = store.NamedAfter(folder.Query, after, PageSize);
            if (page.Count == 0) yield break;

            after = page[^1].Asset.Id;
            yield return [.. page.Select(n => (folder.File(
                folder.Kind == DavKind.All ? n.Asset.FileName : DavNames.Of(n.Asset, n.HasEarlier)), (Asset?)n.Asset))];
        }
    }

    private IEnumerable<IReadOnlyList<(DavPlace, Asset?)>> Applications()
    {
        List<string> made;
        lock (_gate) made = [.. _made];
        foreach (var page in Names(store.ApplicationsAfter, name => new DavPlace(DavKind.Application, name)))
        {
            made.RemoveAll(m => page.Any(p => p.Item1.Name == m));
            yield return page;
        }

        yield return [.. made.Select(m => (new DavPlace(DavKind.Application, m), (Asset?)null))];
    }

    private static IEnumerable<IReadOnlyList<(DavPlace, Asset?)>> Names(
        Func<string, int, IReadOnlyList<string>> read, Func<string, DavPlace> place)
    {
        var after = "";
        while (true)
        {
            var page = read(after, PageSize);
            if (page.Count == 0) yield break;

            after = page[^1];
            yield return [.. page.Select(name => (place(name), (Asset?)null))];
        }
    }

    // A look-up for each month that has assets.
    private List<(DavPlace, Asset?)> Dates(DavPlace folder)
    {
        var (begin, end) = folder.Kind == DavKind.Year
            ? (folder.Query.StartMs!.Value, folder.Query.EndMs!.Value) : (0, AssetFileName.TimestampMax);
        var places = new List<(DavPlace, Asset?)>();
        while (store.FirstFrom(begin) is { } moment && moment <= end)
        {
            var date = DateTimeOffset.FromUnixTimeMilliseconds(moment);
            var place = folder.Kind == DavKind.Year ? new DavPlace(DavKind.Month, "", date.Year, date.Month)
                : new DavPlace(DavKind.Year, "", date.Year);
            places.Add((place, null));
            begin = place.Query.EndMs!.Value + 1;
        }

        return places;
    }
}
