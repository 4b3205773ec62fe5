using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Names;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>Names mean what they mean to stock.</summary>
public sealed class NameResolverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("names");

    public void Dispose() => _folder.Dispose();

    [Test]
    [Arguments("*")]
    [Arguments("ci")]
    [Arguments("w")]
    [Arguments("e")]
    public void Every_form_resolves_as_stock_resolves_it(string type)
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        var path = _folder["kinds.fossil"];
        File.Copy(Vectors.PathOf("repositories", "kinds.fossil"), path);
        var folder = _folder.Folder("work");
        stock.RunIn(folder, "open", path, "trunk");
        stock.RunIn(folder, "update", "prev");
        using var repository = Repository.Open(path, RepositoryOptions.ReadOnly);
        repository.Names.Checkout = repository.Names.ResolveCheckin(OpenedVersion(stock, folder));
        var names = NamesOf(repository);

        var told = stock.RunIn(folder, ["test-name-to-id", "--type", type, .. names]).Text;

        var theirs = told.Split('\n').Where(line => line.Contains(" -> ", StringComparison.Ordinal)).ToList();
        var ours = names.Select(name => $"{name} -> {Describe(repository, name, type)}").ToList();
        Assert.Equal(theirs, ours);
    }

    [Test]
    public void A_common_beginning_is_ambiguous_and_lists_what_it_could_be()
    {
        using var repository = Repository.Create(
            ":memory:", new RepositoryCreateOptions { Entropy = new SeededEntropy(1) });
        var (first, second) = TwoThatBeginAlike(repository);
        var common = first[..first.Zip(second).TakeWhile(pair => pair.First == pair.Second).Count()];

        var error = Assert.Throws<EdgeSyncException>(() => repository.Names.Resolve(common));

        Assert.Equal(ErrorKind.Ambiguous, error.Kind);
        Assert.Equal(new[] { first, second }.Order(StringComparer.Ordinal), error.Candidates);
        Assert.Equal(NameFault.None, repository.Names.TryResolve(first.ToUpperInvariant(), EventType.Any, out _));
    }

    [Test]
    public void Patterns_are_taken_literally()
    {
        using var repository = Repository.Create(":memory:", new RepositoryCreateOptions());

        foreach (var name in new[] { "%", "____", "****", "[0-9]*", "'; DROP TABLE blob; --", "sym-trunk" })
            Assert.Equal(NameFault.NotFound, repository.Names.TryResolve(name, EventType.Any, out _));
    }

    [Test]
    public void The_check_out_gives_meaning_to_its_neighbours()
    {
        var path = _folder["kinds.fossil"];
        File.Copy(Vectors.PathOf("repositories", "kinds.fossil"), path);
        using var repository = Repository.Open(path, RepositoryOptions.ReadOnly);
        var tip = repository.Names.ResolveCheckin("trunk");
        Assert.Equal(NameFault.NotFound, repository.Names.TryResolve("current", EventType.Checkin, out _));

        repository.Names.Checkout = tip;
        var previous = repository.Names.ResolveCheckin("prev");
        repository.Names.Checkout = previous;

        Assert.Equal(previous, repository.Names.ResolveCheckin("current"));
        Assert.Equal(tip, repository.Names.ResolveCheckin("next"));
    }

    private static (string First, string Second) TwoThatBeginAlike(Repository repository)
    {
        var seen = new Dictionary<string, string>();
        using var transaction = repository.Begin();
        for (var i = 0; ; i++)
        {
            var rid = repository.Content.Put(System.Text.Encoding.ASCII.GetBytes($"content {i}"));
            var name = repository.Content.NameOf(rid).ToString();
            if (seen.TryGetValue(name[..4], out var other))
            {
                repository.Content.NewlyAvailable.Clear();
                transaction.Commit();
                return (other, name);
            }

            seen.Add(name[..4], name);
        }
    }

    private static string OpenedVersion(StockFossil stock, string folder) =>
        stock.RunIn(folder, "status").Text.Split('\n')
        .Single(
            line => line.StartsWith("checkout:", StringComparison.Ordinal)).Split(' ',
            StringSplitOptions.RemoveEmptyEntries)[1];

    private static string Describe(Repository repository, string name, string type)
    {
        var wanted = type switch
        {
            "ci" => EventType.Checkin,
            "w" => EventType.Wiki,
            "e" => EventType.Technote,
            _ => EventType.Any,
        };
        return repository.Names.TryResolve(name, wanted, out var rid) switch
        {
            NameFault.None => repository.Content.NameOf(rid).ToString(),
            NameFault.Ambiguous => $"ERROR: ambiguous name: {name}",
            _ => $"ERROR: cannot resolve name: {name}",
        };
    }

    private static List<string> NamesOf(Repository repository)
    {
        var names = new List<string>
        {
            "tip", "trunk", "no-such-name", "date:2030-01-01", "2030-01-01", "date:1980-01-01", "utc:2030-01-01 10:00",
            "local:2030-01-01", "root:trunk", "start:trunk", "merge-in:trunk", "20300101", "date:20300101",
            "trunk:2030-01-01",
            "trunk:20300101", "rid:1", "trunk.", "trunk).", "0000", "abc", "current", "prev", "previous", "next",
            "tag:trunk", "[tip]",
        };
        using (var tags = repository.Database.Prepare("SELECT substr(tagname,5) FROM tag WHERE tagname GLOB 'sym-*'"))
        {
            while (tags.Step())
            {
                var tag = tags.Text(0)!;
                names.AddRange(
                    [tag, "tag:" + tag, "root:" + tag, "start:" + tag, "merge-in:" + tag, tag + ":2030-01-01"]);
            }
        }

        using (var wikis = repository.Database.Prepare("SELECT substr(tagname,6) FROM tag WHERE tagname GLOB 'wiki-*'"))
        {
            while (wikis.Step()) names.Add(wikis.Text(0)!);
        }

        using (var blobs = repository.Database.Prepare("SELECT uuid FROM blob ORDER BY rid LIMIT 40"))
        {
            while (blobs.Step())
            {
                var hash = blobs.Text(0)!;
                names.AddRange(
                    [hash, hash[..4], hash[..10], hash[..8].ToUpperInvariant(), $"[{hash[..12]}]", hash[..10] + ","]);
            }
        }

        using (var dates = repository.Database.Prepare("SELECT datetime(mtime) FROM event ORDER BY mtime LIMIT 30"))
        {
            while (dates.Step())
            {
                var date = dates.Text(0)!;
                names.AddRange([date, date[..10], date[..16], "date:" + date, "utc:" + date, "trunk:" + date]);
            }
        }

        return names;
    }
}
