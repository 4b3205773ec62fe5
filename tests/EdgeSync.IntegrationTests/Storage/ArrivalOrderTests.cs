using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>
/// Artifacts arrive in any order and in batches of any size; the derived rows are those that stock's rebuild wrote into
/// the vector. The vector holds every kind of artifact, broken references included.
/// </summary>
public sealed class ArrivalOrderTests
{
    // Edits of one moment, colours, thread titles and cherry-picks of what is not there yet: the first one linked wins,
    // with stock as with us, until the next rebuild.
    private static readonly string[] DependOnOrder = ["event", "tagxref", "backlink", "cherrypick", "ticket"];

    private static readonly string Kinds = Vectors.PathOf("repositories", "kinds.fossil");

    public enum Order
    {
        AsMade,
        Backwards,
        Shuffled,
    }

    [Test]
    [Arguments(Order.AsMade, 1, 1UL)]
    [Arguments(Order.AsMade, 1000, 1UL)]
    [Arguments(Order.Backwards, 1, 1UL)]
    [Arguments(Order.Backwards, 7, 1UL)]
    [Arguments(Order.Shuffled, 1, 2UL)]
    [Arguments(Order.Shuffled, 10, 3UL)]
    [Arguments(Order.Shuffled, 100, 4UL)]
    [Arguments(Order.Shuffled, 1000, 5UL)]
    public void Any_order_gives_the_same_rows(Order order, int batchSize, ulong seed)
    {
        using var folder = new TemporaryFolder("arrival");
        var artifacts = Artifacts();
        if (order == Order.Backwards) Array.Reverse(artifacts);
        if (order == Order.Shuffled) new Prng(seed).Shuffle<(byte[], bool)>(artifacts);

        using (var repository = Repository.CreateForClone(
            folder["arrived.fossil"], new RepositoryCreateOptions { Durability = Durability.None }))
        {
            var crosslinker = new Crosslinker(repository);
            foreach (var batch in artifacts.Chunk(batchSize))
            {
                using var transaction = repository.Begin();
                foreach (var (text, isPrivate) in batch) repository.Content.Put(text, isPrivate);
                crosslinker.LinkPending();
                transaction.Commit();
            }
        }

        RepositoryComparer.MustBeEqual(
            Kinds, folder["arrived.fossil"], ["unclustered", .. order == Order.AsMade ? [] : DependOnOrder]);
    }

    private static (byte[] Text, bool IsPrivate)[] Artifacts()
    {
        using var file = new SqliteFile(Kinds);
        using var repository = Repository.Open(Kinds, RepositoryOptions.ReadOnly);
        return [
            .. file.Query("SELECT rid, rid IN (SELECT rid FROM private) FROM blob WHERE size>=0 ORDER BY rid")
            .Select(row =>
        {
            using var content = repository.Content.Get(new RecordId((int)(long)row[0]!));
            return (content.Span.ToArray(), (long)row[1]! == 1);
        })];
    }
}
