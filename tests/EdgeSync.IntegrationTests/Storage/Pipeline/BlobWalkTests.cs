using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Primitives;
using EdgeSync.Storage.Pipeline;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Pipeline;

public sealed class BlobWalkTests
{
    private static CancellationToken Token => TestContext.Current!.Execution.CancellationToken;

    private static BlobWalk Start(StoredBlobs blobs, BlobChecks checks, int workers, long budgetBytes = 1 << 20) =>
        BlobWalk.Start(
            blobs.Database,
            new BlobWalkOptions { Checks = checks, WorkersMax = workers, BudgetBytes = budgetBytes },
            Token);

    private static List<RecordId> ReadAll(BlobWalk walk, Action<WalkedBlob> look)
    {
        var order = new List<RecordId>();
        while (walk.TryRead(out var blob))
        {
            order.Add(blob.Rid);
            look(blob);
        }

        return order;
    }

    [Test]
    public void Every_text_comes_once_after_its_source_in_the_same_order_for_any_number_of_threads() =>
        Property.Check(prng =>
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(prng, prng.NextInt32(1, 300));
        blobs.Commit();
        List<RecordId>? expectedOrder = null;

        foreach (var workers in new[] { 0, 1, 4 })
        {
            using var walk = Start(blobs, BlobChecks.Hash | BlobChecks.Texts, workers);
            var seen = new HashSet<RecordId>();
            var order = ReadAll(walk, blob =>
            {
                Assert.True(blob.IsSound, blob.DamageText);
                Assert.True(blob.SourceRid.IsNone || seen.Contains(blob.SourceRid));
                Assert.True(seen.Add(blob.Rid));
                if (blob.Rid.Value > blobs.CreatedCount)
                    Assert.True(blob.Text.Span.SequenceEqual(blobs.Text(blob.Rid)));
            });

            Assert.Equal(walk.Count, order.Count);
            Assert.Equal(expectedOrder ??= order, order);
        }
    }, runs: 15);

    [Test]
    [Arguments(0)]
    [Arguments(2)]
    public void A_chain_of_forty_thousand_deltas_is_walked_with_little_memory(int workers)
    {
        const int Depth = 40_000;
        using var blobs = new StoredBlobs();
        var text = new Prng(1).NextBytes(400);
        var rid = blobs.AddFull(text);
        for (var i = 0; i < Depth; i++)
        {
            var next = blobs.Text(rid).ToArray();
            BitConverter.TryWriteBytes(next.AsSpan(i % 390), i);
            next[^1] = (byte)(i >> 8);
            rid = blobs.AddDelta(next, rid);
        }

        blobs.Commit();
        using var walk = Start(blobs, BlobChecks.Hash, workers, budgetBytes: 1 << 20);
        var damaged = 0;

        var order = ReadAll(walk, blob => damaged += blob.IsSound ? 0 : 1);

        Assert.Equal(Depth + 1 + blobs.CreatedCount, order.Count);
        Assert.Equal(0, damaged);
        Assert.InRange(walk.HeldBytesMax, 1, 3 << 19);
    }

    [Test]
    public void Twenty_thousand_deltas_of_one_text_are_walked()
    {
        using var blobs = new StoredBlobs();
        var text = new Prng(2).NextBytes(300);
        var root = blobs.AddFull(text);
        for (var i = 0; i < 20_000; i++) blobs.AddDelta([.. text, .. BitConverter.GetBytes(i)], root);
        blobs.Commit();
        using var walk = Start(blobs, BlobChecks.Hash, workers: 2);

        var order = ReadAll(walk, blob => Assert.True(blob.IsSound));

        Assert.Equal(20_001 + blobs.CreatedCount, order.Count);
    }

    // Every node has two children, one of them the rest of a long chain: naive walkers keep all texts of the chain.
    [Test]
    public void A_comb_keeps_few_texts()
    {
        using var blobs = new StoredBlobs();
        var rid = blobs.AddFull(new Prng(3).NextBytes(2_000));
        for (var i = 0; i < 2_000; i++)
        {
            var tooth = blobs.Text(rid).ToArray();
            BitConverter.TryWriteBytes(tooth, -i - 1);
            blobs.AddDelta(tooth, rid);
            var next = blobs.Text(rid).ToArray();
            BitConverter.TryWriteBytes(next.AsSpan(8), i + 1);
            rid = blobs.AddDelta(next, rid);
        }

        blobs.Commit();
        using var walk = Start(blobs, BlobChecks.Hash, workers: 2, budgetBytes: 1 << 19);

        var order = ReadAll(walk, blob => Assert.True(blob.IsSound));

        Assert.Equal(4_001 + blobs.CreatedCount, order.Count);
        Assert.InRange(walk.HeldBytesMax, 1, 1 << 20);
    }

    // Texts larger than an arena, each in a tree of its own: no worker begins one without room.
    [Test]
    [Arguments(0)]
    [Arguments(3)]
    public void Large_texts_stay_within_the_budget(int workers)
    {
        using var blobs = new StoredBlobs();
        var prng = new Prng(5);
        for (var i = 0; i < 12; i++) blobs.AddFull(prng.NextBytes(3 << 20));
        blobs.Commit();
        using var walk = Start(blobs, BlobChecks.Hash, workers, budgetBytes: 8 << 20);

        var order = ReadAll(walk, blob => Assert.True(blob.IsSound));

        Assert.Equal(walk.Count, order.Count);
        Assert.InRange(walk.HeldBytesMax, 3 << 20, 9 << 20);
    }

    [Test]
    [Arguments(0)]
    [Arguments(2)]
    public void A_walk_over_large_texts_may_end_at_any_blob(int workers)
    {
        using var blobs = new StoredBlobs();
        var prng = new Prng(6);
        for (var i = 0; i < 6; i++)
        {
            var text = prng.NextBytes(3 << 20);
            var root = blobs.AddFull(text);
            text[1 << 20] ^= 1;
            blobs.AddDelta(text, root);
        }

        blobs.Commit();
        for (var stop = 0; stop <= 12; stop += 3)
        {
            using var walk = Start(blobs, BlobChecks.Hash, workers, budgetBytes: 8 << 20);
            for (var i = 0; i < stop; i++) Assert.True(walk.TryRead(out _));
            walk.Dispose();
            Assert.Equal(0, walk.HeldBytes);
        }
    }

    [Test]
    [Arguments(0)]
    [Arguments(3)]
    public void Memory_stays_within_the_budget_while_the_consumer_is_slow(int workers)
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(new Prng(4), 400, textBytesMax: 40_000);
        blobs.Commit();
        using var walk = Start(blobs, BlobChecks.Texts, workers, budgetBytes: 1 << 20);

        var order = ReadAll(walk, _ => Thread.Yield());

        Assert.Equal(walk.Count, order.Count);
        Assert.InRange(walk.HeldBytesMax, 1, (1 << 20) + (1 << 18));
    }

    [Test]
    [Arguments(0)]
    [Arguments(2)]
    public void A_text_larger_than_the_budget_goes_through_alone(int workers)
    {
        using var blobs = new StoredBlobs();
        var large = new byte[3 << 20];
        new Prng(5).Fill(large);
        var rid = blobs.AddFull(large);
        rid = blobs.AddDelta([.. large, 1, 2, 3], rid);
        blobs.AddFull([1, 2, 3]);
        blobs.Commit();
        using var walk = Start(blobs, BlobChecks.Hash | BlobChecks.Texts, workers, budgetBytes: 1 << 20);
        var lengths = new List<int>();

        ReadAll(walk, blob => lengths.Add(blob.IsSound ? blob.Length : -1));

        Assert.Contains(large.Length, lengths);
        Assert.Contains(large.Length + 3, lengths);
        Assert.DoesNotContain(-1, lengths);
    }

    [Test]
    public void Every_sort_of_damage_is_a_value_and_what_depends_on_it_is_named()
    {
        using var blobs = new StoredBlobs();
        var prng = new Prng(6);
        byte[] Fresh() => prng.NextBytes(200);
        RecordId Child(RecordId source) => blobs.AddDelta(StoredBlobs.Edited(prng, blobs.Text(source)), source);

        var expected = new Dictionary<RecordId, (BlobDamage Damage, RecordId At)>();
        void Expect(RecordId rid, BlobDamage damage, RecordId? at = null) => expected.Add(rid, (damage, at ?? rid));

        var cut = blobs.AddFull(Fresh());
        var cutChild = Child(cut);
        var cutGrandchild = Child(cutChild);
        blobs.Store(cut, BlobCodec.Encode(Deflater.OfThisThread, blobs.Text(cut))[..60]);
        Expect(cut, BlobDamage.NotInflatable);
        Expect(cutChild, BlobDamage.SourceDamaged, cut);
        Expect(cutGrandchild, BlobDamage.SourceDamaged, cut);

        var garbage = blobs.AddFull(Fresh());
        blobs.Store(garbage, [0, 0, 0, 200, 1, 2, 3, 4, 5, 6]);
        Expect(garbage, BlobDamage.NotInflatable);

        var liar = blobs.AddFull(Fresh());
        blobs.Store(liar, [0x70, 0, 0, 0, 1, 2, 3, 4]);
        Expect(liar, BlobDamage.NotInflatable);

        var missing = blobs.AddFull(Fresh());
        blobs.Run("UPDATE blob SET content=NULL WHERE rid=?1", missing);
        Expect(missing, BlobDamage.ContentMissing);

        var sound = blobs.AddFull(Fresh());
        var badDelta = Child(sound);
        blobs.Store(badDelta, BlobCodec.Encode(Deflater.OfThisThread, "3E\n3E@9999,0;"u8));
        Expect(badDelta, BlobDamage.BadDelta);
        var hugeDelta = Child(sound);
        blobs.Store(hugeDelta, BlobCodec.Encode(Deflater.OfThisThread, "zzzz0\n3E@0,0;"u8));
        Expect(hugeDelta, BlobDamage.BadDelta);

        var lost = Child(sound);
        blobs.SetSource(lost, new RecordId(999_999));
        Expect(lost, BlobDamage.SourceMissing);
        var lostChild = Child(lost);
        Expect(lostChild, BlobDamage.SourceDamaged, lost);

        var phantom = blobs.AddPhantom(Fresh());
        var waiting = Child(phantom);
        Expect(waiting, BlobDamage.SourcePhantom, phantom);

        var first = blobs.AddFull(Fresh());
        var second = Child(first);
        var third = Child(second);
        var hanging = Child(third);
        blobs.SetSource(first, third);
        foreach (var rid in new[] { first, second, third, hanging }) Expect(rid, BlobDamage.Loop, first);
        var own = blobs.AddFull(Fresh());
        blobs.SetSource(own, own);
        Expect(own, BlobDamage.Loop);

        var wrong = blobs.AddFull(Fresh());
        var wrongChild = Child(wrong);
        blobs.Run("UPDATE blob SET uuid='0123456789012345678901234567890123456789' WHERE rid=?1", wrong);
        Expect(wrong, BlobDamage.WrongHash);
        var nameless = blobs.AddFull(Fresh());
        blobs.Run("UPDATE blob SET uuid=upper(uuid)||'X' WHERE rid=?1", nameless);
        Expect(nameless, BlobDamage.BadName);
        blobs.Commit();

        foreach (var workers in new[] { 0, 2 })
        {
            using var walk = Start(blobs, BlobChecks.Hash | BlobChecks.Artifacts, workers);
            var found = new Dictionary<RecordId, (BlobDamage Damage, RecordId At)>();
            var order = ReadAll(walk, blob =>
            {
                if (!blob.IsSound) found.Add(blob.Rid, (blob.Damage, blob.DamagedAt));
            });

            Assert.Equal(expected.OrderBy(pair => pair.Key), found.OrderBy(pair => pair.Key));
            Assert.Contains(wrongChild, order);
            Assert.DoesNotContain(phantom, order);
            Assert.Equal(walk.Count, order.Count);
        }
    }

    [Test]
    public void Artifacts_are_parsed_and_their_checksum_counts()
    {
        using var blobs = new StoredBlobs();
        var good = ("D 2024-01-11T00:00:00.000\n"u8
            + "T +sym-v1.0 bc96eb4afc8d36f52788fe598348a8a754244a3ecbc2eb72112294381f7bba83\n"u8
            + "U tester\nZ d5cb8cecd518998baa2d3b7981b678c5\n"u8).ToArray();
        var spoiled = good.ToArray();
        spoiled[5] = (byte)'1';
        var goodRid = blobs.AddFull(good);
        var spoiledRid = blobs.AddFull(spoiled);
        var fileRid = blobs.AddFull("int main;\n"u8.ToArray());
        blobs.Commit();
        using var walk = Start(blobs, BlobChecks.Artifacts, workers: 2);
        var kinds = new Dictionary<RecordId, ArtifactKind>();
        var faults = new Dictionary<RecordId, ArtifactFaultKind>();

        ReadAll(walk, blob =>
        {
            kinds[blob.Rid] = blob.Artifact?.Kind ?? ArtifactKind.None;
            faults[blob.Rid] = blob.ArtifactFault.Kind;
        });

        Assert.Equal(ArtifactKind.Control, kinds[goodRid]);
        Assert.Equal(ArtifactKind.None, kinds[spoiledRid]);
        Assert.Equal(ArtifactFaultKind.WrongChecksum, faults[spoiledRid]);
        Assert.Equal(ArtifactFaultKind.None, faults[fileRid]);
        Assert.Equal(ArtifactKind.CheckIn, kinds[new RecordId(1)]);
    }

    [Test]
    public void Cancelling_ends_the_walk_and_its_threads()
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(new Prng(8), 2_000);
        blobs.Commit();
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var options = new BlobWalkOptions { WorkersMax = 2, BudgetBytes = 1 << 19 };
        using var walk = BlobWalk.Start(blobs.Database, options, source.Token);
        Assert.True(walk.TryRead(out _));

        source.Cancel();

        Assert.Throws<OperationCanceledException>(() => ReadAll(walk, _ => { }));
        walk.Dispose();
        Assert.Throws<OperationCanceledException>(() => BlobWalk.Start(blobs.Database, options, source.Token));
    }

    [Test]
    public void A_walk_may_be_given_up_in_the_middle()
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(new Prng(9), 2_000);
        blobs.Commit();

        using (var walk = Start(blobs, BlobChecks.Hash, workers: 3)) Assert.True(walk.TryRead(out _));

        // No reader is left, so that the file can be locked exclusively.
        blobs.Database.Execute("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; ROLLBACK");
    }

    [Test]
    public void Rows_that_are_not_committed_are_walked_on_the_own_connection()
    {
        using var blobs = new StoredBlobs();
        var rid = blobs.AddFull([1, 2, 3]);
        using var walk = Start(blobs, BlobChecks.Hash, workers: 0);

        var order = ReadAll(walk, blob => Assert.True(blob.IsSound));

        Assert.Contains(rid, order);
    }

    [Test]
    public void A_database_in_memory_is_walked_without_threads()
    {
        using var database = Database.OpenInMemory();
        database.Execute(EdgeSync.Storage.RepositorySchema.Durable);
        using var walk = BlobWalk.Start(database, new BlobWalkOptions(), Token);

        Assert.False(walk.TryRead(out _));
        Assert.Equal(0, walk.Count);
    }
}
