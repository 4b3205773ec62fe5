using EdgeSync.Can.Assets;
using EdgeSync.Can.Queries;
using EdgeSync.Primitives;
using EdgeSync.Storage.Assets;

namespace EdgeSync.IntegrationTests.Can;

public sealed class AssetQueryTests : IDisposable
{
    // More than are sorted for a page, so that both ways to find one are tried.
    private const int Assets = 5000;

    private static readonly string[] Words = ["anchor", "beacon", "cable", "Deck", "ünïcode", "oc", "a\"b"];
    private static readonly string[] Types = ["text/plain", "text/html", "image/png", "image/jpeg", "image"];
    private static readonly string[] Paths = ["/docs/", "/docs/reports/", "/a%b/", "/\U0010ffff/"];

    private readonly string _folder = Directory.CreateTempSubdirectory("edgesync-assets-").FullName;
    private readonly List<Asset> _all = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Pages_are_those_of_a_walk_over_all_assets()
    {
        AssetSchema.Open(Path.Combine(_folder, "index"), warned: null, out var database);
        using (database)
        {
            var prng = new Prng(7);
            var index = new AssetIndex(database);
            using (var transaction = database.Begin())
            {
                for (var i = 0; i < Assets; i++) _all.Add(index.Insert(Any(prng, i), i + 1));
                transaction.Commit();
            }

            for (var i = 0; i < 300; i++)
            {
                var query = i % 2 == 0 ? AnyQuery(prng) : AnySearch(prng);
                var expected = Expected(query).ToList();
                var page = index.Page(query);
                var found = new List<Asset>(page.Items);
                for (var pages = 1; page.Next is { } next && pages < 4; pages++)
                {
                    page = index.Page(query with { After = next, Offset = 0 });
                    Assert.Equal(expected.Count, page.Total);
                    found.AddRange(page.Items);
                }

                Assert.Equal(expected.Count, page.Total);
                Assert.Equal(
                    expected.Skip((int)query.Offset).Take(found.Count).Select(a => a.Id), found.Select(a => a.Id));
                Assert.True(page.Next is not null || query.Offset + found.Count >= expected.Count);

                // What WebDAV shows, which uses the conditions of a filter in a query of its own.
                var named = index.NamedAfter(query, afterId: 0, limit: 20).Select(n => n.Asset.Id);
                Assert.Equal(expected.Select(a => a.Id).Order().Take(20), named);
            }
        }
    }

    private static Asset Any(Prng prng, int number)
    {
        var timestamp = 1_700_000_000_000 + prng.NextInt32(Assets / 2);
        var hash = AssetHash.Of(timestamp, BitConverter.GetBytes(number));
        return new Asset
        {
            Hash = hash,
            TimestampMs = timestamp,
            Size = number,
            FileName = $"{timestamp}_{hash}.bin",
            MetaUpdatedAtMs = timestamp,
            IsTrashed = prng.Chance(0.1),
            Details = new AssetDetails
            {
                MimeType = prng.Pick<string>(Types),
                Application = prng.Chance(0.5) ? prng.Pick<string>(Words) : null,
                User = prng.Chance(0.01) ? "ann" : null,
                HumanFileName = prng.Chance(0.8) ? $"{prng.Pick<string>(Words)} {number}" : null,
                HumanPath = prng.Chance(0.5) ? prng.Pick<string>(Paths) : null,
                Description = prng.Chance(0.02) ? "seldom" : null,
                Tags = [.. Enumerable.Range(0, prng.NextInt32(3)).Select(_ => prng.Pick<string>(Words)).Distinct()],
            },
        };
    }

    private AssetQuery AnyQuery(Prng prng)
    {
        string? Maybe(double chance, string text) => prng.Chance(chance) ? text : null;
        return new AssetQuery
        {
            Limit = prng.NextInt32(1, 80),
            Offset = prng.Chance(0.2) ? prng.NextInt32(200) : 0,
            IsAscending = prng.Chance(0.3),
            IncludesTrashed = prng.Chance(0.2),
            OnlyTrashed = prng.Chance(0.1),
            Application = Maybe(0.2, prng.Pick<string>(Words)),
            User = Maybe(0.05, "ann"),
            MimePrefix = Maybe(0.2, prng.Chance(0.5) ? "image" : prng.Pick<string>(Types)),
            PathPrefix = Maybe(0.2, prng.Chance(0.3) ? "/docs" : prng.Pick<string>(Paths)),
            HashPrefix = Maybe(0.1, _all[prng.NextInt32(Assets)].Hash.ToString()[..prng.NextInt32(1, 3)]),
            StartMs = prng.Chance(0.1) ? _all[prng.NextInt32(Assets)].TimestampMs : null,
            EndMs = prng.Chance(0.1) ? _all[prng.NextInt32(Assets)].TimestampMs : null,
            Tags = prng.Chance(0.2) ? [prng.Pick<string>(Words)] : [],
            Words = prng.Chance(0.3)
                ? [prng.Chance(0.2) ? "seldom" : prng.Pick<string>(Words)] : prng.Chance(0.1) ? ["an", "eck"] : [],
        };
    }

    // By words and tags alone, of all lengths.
    private static AssetQuery AnySearch(Prng prng)
    {
        string[] texts = [.. Words, "seldom", "ÜNÏ", "a", "7", "e 1", "k", "N", "on", "\"b", "99", "zz"];
        return new AssetQuery
        {
            Limit = prng.NextInt32(1, 80),
            Offset = prng.Chance(0.2) ? prng.NextInt32(200) : 0,
            IsAscending = prng.Chance(0.3),
            IncludesTrashed = prng.Chance(0.2),
            OnlyTrashed = prng.Chance(0.2),
            Tags = [.. Enumerable.Range(0, prng.NextInt32(3)).Select(_ => prng.Pick<string>(Words))],
            Words = [.. Enumerable.Range(0, prng.NextInt32(4)).Select(_ => prng.Pick<string>(texts))],
        };
    }

    private IEnumerable<Asset> Expected(AssetQuery query)
    {
        var found = _all.Where(a =>
            (query.OnlyTrashed ? a.IsTrashed : query.IncludesTrashed || !a.IsTrashed)
            && (query.Application is null || a.Details.Application == query.Application)
            && (query.User is null || a.Details.User == query.User)
            && (query.MimePrefix is null || a.Details.MimeType.StartsWith(query.MimePrefix, StringComparison.Ordinal))
            && (query.PathPrefix is null
                || a.Details.HumanPath?.StartsWith(query.PathPrefix, StringComparison.Ordinal) == true)
            && (query.HashPrefix is null || a.Hash.ToString().StartsWith(query.HashPrefix, StringComparison.Ordinal))
            && (query.StartMs is null || a.TimestampMs >= query.StartMs)
            && (query.EndMs is null || a.TimestampMs <= query.EndMs)
            && query.Tags.All(a.Details.Tags.Contains)
            && query.Words.All(w => Texts(a).Any(t => t.Contains(w, StringComparison.OrdinalIgnoreCase))));
        return query.IsAscending
            ? found.OrderBy(a => a.TimestampMs).ThenBy(a => a.Id)
            : found.OrderByDescending(a => a.TimestampMs).ThenByDescending(a => a.Id);
    }

    private static IEnumerable<string> Texts(Asset asset) =>
    [
        asset.Details.HumanFileName ?? "", asset.Details.HumanPath ?? "", asset.Details.Description ?? "",
        string.Join('\n', asset.Details.Tags),
    ];
}
