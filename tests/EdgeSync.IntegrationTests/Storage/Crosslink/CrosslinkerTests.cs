using System.Text;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Crosslink;

/// <summary>
/// Linking as things arrive, in any order and in any portions, against a rebuild of what has arrived.
/// </summary>
public sealed class CrosslinkerTests : IDisposable
{
    // What stock itself makes depend on the order: titles of threads, texts about attachments, times of backlinks, and
    // which of several close children moves a parent's time.
    private static readonly string[] _orderedByStock = ["event", "backlink"];

    private readonly TemporaryFolder _folder = new("crosslink");

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Any_order_of_arrival_gives_the_rows_of_a_rebuild() => Property.Check(
        prng =>
        {
            var texts = Shuffle(AllTexts(), prng);
            var path = _folder[$"order-{prng.NextUInt64():x}.fossil"];
            using (var repository = Repository.CreateForClone(
                path, new RepositoryCreateOptions { Durability = Durability.None }))
            {
                Store(repository, texts, prng);
            }

            var rebuilt = path + ".rebuilt";
            File.Copy(path, rebuilt);
            using (var repository = Repository.Open(rebuilt))
            {
                Rebuilder.Run(
                    repository, new RebuildOptions { WorkersMax = 0 },
                    TestContext.Current!.Execution.CancellationToken);
            }

            DerivedRows.MustBeEqual(path, rebuilt, _orderedByStock);
        },
        runs: 20);

    /// <summary>Stock takes "now" for a date, as SQLite does: the moment of linking.</summary>
    [Test]
    public void A_date_of_now_is_the_moment_of_linking()
    {
        var now = Instant.FromUnixSeconds(1_750_000_000);
        var clock = new FixedClock(now);
        using var repository = Repository.Create(Database.InMemory, new RepositoryCreateOptions { Clock = clock });
        var body = "D now\nL Page\nU tester\nW 5\nhello\n"u8;
        using (var transaction = repository.Begin())
        {
            repository.Content.Put([.. body, .. Encoding.ASCII.GetBytes($"Z {Md5Hasher.Compute(body)}\n")]);
            transaction.Commit();
        }

        Assert.Equal(1, repository.Database.QueryInt64("SELECT count(*) FROM event WHERE type='w'"));
        Assert.Equal(
            now.UnixSeconds, repository.Database.QueryInt64("SELECT strftime('%s',mtime) FROM event WHERE type='w'"));
        Rebuilder.Run(repository, new RebuildOptions(), TestContext.Current!.Execution.CancellationToken);
        Assert.Equal(
            now.UnixSeconds, repository.Database.QueryInt64("SELECT strftime('%s',mtime) FROM event WHERE type='w'"));
    }

    private sealed class FixedClock(Instant now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(now.ToDateTime());
    }

    private static List<(ArtifactId Id, byte[] Text, bool IsPrivate)> AllTexts()
    {
        var path = Path.Combine(Vectors.RepositoryRoot, "tests", "Vectors", "repositories", "kinds.fossil");
        using var repository = Repository.Open(path, RepositoryOptions.Default with { Access = DatabaseAccess.Read });
        var texts = new List<(ArtifactId, byte[], bool)>();
        var records = new List<RecordId>();
        using (var query = repository.Database.Prepare("SELECT rid FROM blob WHERE size>=0"))
        {
            while (query.Step()) records.Add(query.Record(0));
        }

        foreach (var record in records)
        {
            using var content = repository.Content.Get(record);
            if (DependsOnOrder(content.Span)) continue;
            texts.Add(
                (repository.Content.NameOf(record), content.Span.ToArray(), repository.Content.IsPrivate(record)));
        }

        return texts;
    }

    // In stock a tag on one check-in is lost if a newer one has come down to it before, and the first of two of one
    // time wins; new parents take effect on tags that come down later. A rebuild of ours follows stock's order in all
    // of these.
    private static bool DependsOnOrder(ReadOnlySpan<byte> text) =>
        text.IndexOf("T +parent "u8) >= 0 || text.IndexOf("T +bgcolor "u8) >= 0 || text.IndexOf("T +hidden "u8) >= 0
        || text.IndexOf(" one\nU"u8) >= 0;

    private static List<T> Shuffle<T>(List<T> items, Prng prng)
    {
        for (var i = items.Count - 1; i > 0; i--)
        {
            var j = prng.NextInt32(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }

        return items;
    }

    private static void Store(
        Repository repository, List<(ArtifactId Id, byte[] Text, bool IsPrivate)> texts, Prng prng)
    {
        var crosslinker = new Crosslinker(repository);
        for (var next = 0; next < texts.Count;)
        {
            using var transaction = repository.Begin();
            for (var portion = 1 + prng.NextInt32(40); portion > 0 && next < texts.Count; portion--, next++)
                repository.Content.PutText(texts[next].Id, texts[next].Text, texts[next].IsPrivate, out _);
            crosslinker.LinkPending();
            transaction.Commit();
        }
    }
}
