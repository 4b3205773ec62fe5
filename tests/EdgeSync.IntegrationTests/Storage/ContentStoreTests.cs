using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Content;
using EdgeSync.Storage.Sync;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class ContentStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("content");

    public void Dispose() => _folder.Dispose();

    private static Repository NewInMemory(HashPolicy policy = HashPolicy.Sha3, long cacheBytes = 1 << 20) =>
        Repository.Create(":memory:", new RepositoryCreateOptions
        {
            Entropy = new SeededEntropy(3),
            HashPolicy = policy,
            ContentCacheBytesMax = cacheBytes,
        });

    private static ArtifactId Sha3(ReadOnlySpan<byte> text) => ArtifactHash.Compute(HashKind.Sha3, text);

    [Test]
    public void Every_text_reads_back_in_any_stored_form() => Property.Check(prng =>
    {
        using var repository = NewInMemory(cacheBytes: prng.Pick<long>([0, 2_000, 1 << 20]));
        var content = repository.Content;
        var texts = new Dictionary<RecordId, byte[]>();
        using var transaction = repository.Begin();
        for (var step = 0; step < 40; step++)
        {
            switch (prng.NextInt32(4))
            {
                case 0:
                    var fresh = prng.NextBytes(prng.NextInt32(3000));
                    texts[content.Put(fresh)] = fresh;
                    break;
                case 1 when texts.Count > 0:
                    var edited = Edit(prng, prng.Pick<byte[]>([.. texts.Values]));
                    texts[content.Put(edited)] = edited;
                    break;
                case 2 when texts.Count > 1:
                    RecordId[] rids = [.. texts.Keys];
                    content.Deltas.Deltify(
                        prng.Pick<RecordId>(rids), [prng.Pick<RecordId>(rids), prng.Pick<RecordId>(rids)],
                        prng.Chance(0.5));
                    break;
                case 3 when texts.Count > 0:
                    content.Deltas.Undelta(prng.Pick<RecordId>([.. texts.Keys]));
                    break;
            }

            if (prng.Chance(0.1)) content.ForgetCached();
        }

        content.ForgetCached();
        foreach (var (rid, text) in texts)
        {
            using var read = content.Get(rid);
            Assert.True(read.Span.SequenceEqual(text));
            Assert.Equal(text.Length, content.SizeOf(rid));
            Assert.Equal(Sha3(text), content.NameOf(rid));
            Assert.True(content.IsAvailable(rid));
        }
    }, runs: 60);

    [Test]
    public void The_same_content_is_stored_once()
    {
        using var repository = NewInMemory();
        using var transaction = repository.Begin();

        Assert.Equal(repository.Content.Put("same"u8), repository.Content.Put("same"u8));
    }

    [Test]
    public void Content_known_under_its_other_name_keeps_it_unless_the_policy_forbids()
    {
        using var repository = NewInMemory();
        using var transaction = repository.Begin();
        var old = ArtifactHash.Compute(HashKind.Sha1, "old"u8);
        Assert.Equal(PutOutcome.Stored, repository.Content.PutText(old, "old"u8, isPrivate: false, out var rid));

        Assert.Equal(rid, repository.Content.Put("old"u8));

        repository.Content.HashPolicy = HashPolicy.Sha3Only;
        Assert.NotEqual(rid, repository.Content.Put("old"u8));
    }

    [Test]
    public void A_sha3_name_ends_the_automatic_policy()
    {
        using var repository = NewInMemory(HashPolicy.Auto);
        using var transaction = repository.Begin();
        Assert.Equal(HashKind.Sha1, repository.Content.NameOf(repository.Content.Put("a"u8)).Kind);

        repository.Content.PutText(Sha3("b"u8), "b"u8, isPrivate: false, out _);

        Assert.Equal(HashPolicy.Sha3, repository.Content.HashPolicy);
        Assert.Equal("2", repository.Settings["hash-policy"]);
        Assert.Equal(HashKind.Sha3, repository.Content.NameOf(repository.Content.Put("c"u8)).Kind);
    }

    [Test]
    public void Bytes_with_the_wrong_name_are_not_stored()
    {
        using var repository = NewInMemory();
        using var transaction = repository.Begin();

        Assert.Equal(PutOutcome.WrongHash, repository.Content.PutText(Sha3("a"u8), "b"u8, isPrivate: false, out _));
        Assert.True(repository.Content.Find(Sha3("a"u8)).IsNone);
    }

    [Test]
    public void A_phantom_is_filled_in_place()
    {
        using var repository = NewInMemory();
        var content = repository.Content;
        using var transaction = repository.Begin();
        var phantom = content.AddPhantom(Sha3("late"u8));
        Assert.Equal(ContentState.Phantom, content.Read(phantom, out _));
        Assert.False(content.IsAvailable(phantom));

        content.PutText(Sha3("late"u8), "late"u8, isPrivate: false, out var rid);

        Assert.Equal(phantom, rid);
        Assert.True(content.IsAvailable(rid));
        Assert.Equal(0, repository.Database.QueryInt64("SELECT count(*) FROM phantom"));
        Assert.Equal([rid], content.NewlyAvailable.Skip(0));
    }

    [Test]
    public void A_chain_of_deltas_wakes_when_its_first_source_arrives()
    {
        using var repository = NewInMemory(cacheBytes: 0);
        var content = repository.Content;
        var prng = new Prng(5);
        var texts = new List<byte[]> { prng.NextBytes(2000) };
        for (var i = 1; i < 20; i++) texts.Add(Edit(prng, texts[^1]));
        using var transaction = repository.Begin();

        for (var i = texts.Count - 1; i > 0; i--)
        {
            var delta = DeltaEncoder.Encode(texts[i - 1], texts[i]);
            Assert.Equal(
                PutOutcome.Pending,
                content.PutDelta(Sha3(texts[i]), Sha3(texts[i - 1]), delta, isPrivate: false, out _));
        }

        Assert.Empty(content.NewlyAvailable);
        Assert.Equal(PutOutcome.Stored, content.PutText(Sha3(texts[0]), texts[0], isPrivate: false, out _));

        Assert.Equal(texts.Count, content.NewlyAvailable.Count);
        foreach (var text in texts)
        {
            using var read = content.Get(Sha3(text));
            Assert.True(read.Span.SequenceEqual(text));
        }
    }

    [Test]
    public void A_waiting_delta_with_a_wrong_hash_becomes_a_phantom()
    {
        using var repository = NewInMemory();
        var content = repository.Content;
        var prng = new Prng(6);
        var (source, other) = (prng.NextBytes(500), prng.NextBytes(500));
        using var transaction = repository.Begin();
        var claimed = Sha3("something else"u8);
        content.PutDelta(claimed, Sha3(source), DeltaEncoder.Encode(source, other), isPrivate: false, out var liar);

        content.PutText(Sha3(source), source, isPrivate: false, out var rid);

        Assert.Equal([rid], content.NewlyAvailable.Skip(0));
        Assert.Equal(ContentState.Phantom, content.Read(liar, out _));
        Assert.True(content.SourceOf(liar).IsNone);
        Assert.Equal(liar, content.Find(claimed));
    }

    [Test]
    public void A_text_replaces_a_delta_that_waits_in_vain()
    {
        using var repository = NewInMemory();
        var content = repository.Content;
        var prng = new Prng(12);
        var (source, text) = (prng.NextBytes(500), prng.NextBytes(500));
        using var transaction = repository.Begin();
        content.PutDelta(
            Sha3(text), Sha3(source), DeltaEncoder.Encode(source, text), isPrivate: false, out var pending);

        Assert.Equal(PutOutcome.Stored, content.PutText(Sha3(text), text, isPrivate: false, out var rid));

        Assert.Equal(pending, rid);
        Assert.True(content.SourceOf(rid).IsNone);
        Assert.Equal([rid], content.NewlyAvailable.Skip(0));
        using var read = content.Get(rid);
        Assert.True(read.Span.SequenceEqual(text));
    }

    /// <summary>
    /// A crash between two rounds: what is committed is readable, or a phantom, and nothing that came is lost.
    /// </summary>
    [Test]
    public void A_delta_that_still_waits_at_the_commit_is_set_aside()
    {
        using var repository = NewInMemory(cacheBytes: 0);
        var content = repository.Content;
        var prng = new Prng(9);
        var texts = new List<byte[]> { prng.NextBytes(2000) };
        for (var i = 1; i < 4; i++) texts.Add(Edit(prng, texts[^1]));

        for (var i = texts.Count - 1; i > 0; i--)
        {
            using var round = repository.Begin();
            content.PutDelta(
                Sha3(texts[i]), Sha3(texts[i - 1]), DeltaEncoder.Encode(texts[i - 1], texts[i]), isPrivate: false,
                out _);
            round.Commit();
        }

        Assert.Equal(
            0,
            repository.Database.QueryInt64(
                "SELECT count(*) FROM blob JOIN delta USING(rid) WHERE size<0 OR srcid IN phantom"));
        Assert.All(texts, text => Assert.Equal(ContentState.Phantom, content.Read(content.Find(Sha3(text)), out _)));
        Assert.Equal([content.Find(Sha3(texts[0]))], Wanted(repository));

        using (var round = repository.Begin())
        {
            content.PutText(Sha3(texts[0]), texts[0], isPrivate: false, out _);
            round.Commit();
        }

        foreach (var text in texts)
        {
            using var read = content.Get(Sha3(text));
            Assert.True(read.Span.SequenceEqual(text));
        }

        Assert.Empty(Wanted(repository));
        Assert.Equal(0, repository.Database.QueryInt64("SELECT count(*) FROM fx_waiting"));
    }

    [Test]
    public void Of_two_deltas_of_each_other_in_two_rounds_one_is_requested()
    {
        using var repository = NewInMemory();
        var content = repository.Content;
        var prng = new Prng(10);
        var a = prng.NextBytes(500);
        var b = Edit(prng, a);
        foreach (var (text, source) in new[] { (a, b), (b, a) })
        {
            using var round = repository.Begin();
            content.PutDelta(Sha3(text), Sha3(source), DeltaEncoder.Encode(source, text), isPrivate: false, out _);
            round.Commit();
        }

        Assert.Equal([content.Find(Sha3(a))], Wanted(repository));
        using (var round = repository.Begin())
        {
            content.PutText(Sha3(a), a, isPrivate: false, out _);
            round.Commit();
        }

        using var read = content.Get(Sha3(b));
        Assert.True(read.Span.SequenceEqual(b));
    }

    [Test]
    public void Deltas_of_each_other_do_not_make_a_circle()
    {
        using var repository = NewInMemory();
        var content = repository.Content;
        var prng = new Prng(7);
        var a = prng.NextBytes(500);
        var b = Edit(prng, a);
        using var transaction = repository.Begin();
        content.PutDelta(Sha3(a), Sha3(b), DeltaEncoder.Encode(b, a), isPrivate: false, out var first);

        Assert.Equal(
            PutOutcome.Pending, content.PutDelta(Sha3(b), Sha3(a), DeltaEncoder.Encode(a, b), isPrivate: false, out _));
        Assert.Equal(ContentState.Phantom, content.Read(first, out _));
        content.PutText(Sha3(a), a, isPrivate: false, out _);

        using var read = content.Get(Sha3(b));
        Assert.True(read.Span.SequenceEqual(b));
    }

    /// <summary>
    /// From a peer that has nothing but a delta cycle, requests end: giving up goes to greater rids only.
    /// </summary>
    [Test]
    public void Of_deltas_of_each_other_one_is_refused_in_the_end()
    {
        using var repository = NewInMemory();
        var content = repository.Content;
        var prng = new Prng(9);
        var a = prng.NextBytes(500);
        var b = Edit(prng, a);
        using var transaction = repository.Begin();
        content.PutDelta(Sha3(a), Sha3(b), DeltaEncoder.Encode(b, a), isPrivate: false, out _);
        content.PutDelta(Sha3(b), Sha3(a), DeltaEncoder.Encode(a, b), isPrivate: false, out var second);

        Assert.Equal(
            PutOutcome.Circular,
            content.PutDelta(Sha3(a), Sha3(b), DeltaEncoder.Encode(b, a), isPrivate: false, out _));
        Assert.Equal(
            PutOutcome.Circular,
            content.PutDelta(Sha3(a), Sha3(a), DeltaEncoder.Encode(a, a), isPrivate: false, out _));
        content.DropWaiting();

        Assert.Equal(ContentState.Phantom, content.Read(second, out _));
        Assert.Equal(0, repository.Database.QueryInt64("SELECT count(*) FROM delta"));
    }

    [Test]
    public void Public_content_never_rests_on_private_content()
    {
        using var repository = NewInMemory();
        var content = repository.Content;
        var prng = new Prng(8);
        var secret = prng.NextBytes(500);
        var open = Edit(prng, secret);
        using var transaction = repository.Begin();
        content.PutText(Sha3(secret), secret, isPrivate: true, out var source);

        content.PutDelta(Sha3(open), Sha3(secret), DeltaEncoder.Encode(secret, open), isPrivate: false, out var rid);
        Assert.Equal(0, content.Deltas.Deltify(rid, [source]));

        Assert.True(content.SourceOf(rid).IsNone);
        Assert.Equal(0, repository.Database.QueryInt64($"SELECT count(*) FROM unclustered WHERE rid={source}"));
        content.SetPrivate(source, isPrivate: false);
        Assert.True(content.Deltas.Deltify(rid, [source]) > 0);
        Assert.Equal(1, repository.Database.QueryInt64($"SELECT count(*) FROM unclustered WHERE rid={source}"));
    }

    [Test]
    public void Shunned_names_are_swallowed()
    {
        using var repository = NewInMemory();
        using var transaction = repository.Begin();
        repository.Shuns.Add(Sha3("bad"u8), "spam");

        Assert.Equal(PutOutcome.Shunned, repository.Content.PutText(Sha3("bad"u8), "bad"u8, isPrivate: false, out _));
        Assert.True(repository.Content.AddPhantom(Sha3("bad"u8)).IsNone);
        Assert.Equal(ErrorKind.Denied, Assert.Throws<EdgeSyncException>(() => repository.Content.Put("bad"u8)).Kind);
    }

    [Test]
    public void Damage_is_reported_with_the_artifact_and_the_place()
    {
        using var repository = NewInMemory();
        using var transaction = repository.Begin();
        var rid = repository.Content.Put(new byte[1000]);
        repository.Database.Execute($"UPDATE blob SET content=x'000003e8789c00ff' WHERE rid={rid}");
        repository.Content.ForgetCached();

        Assert.Equal(ContentState.Damaged, repository.Content.Read(rid, out _));
        var error = Assert.Throws<EdgeSyncException>(() => repository.Content.Get(rid));

        Assert.Equal(ErrorKind.Corrupt, error.Kind);
        Assert.Contains(repository.Content.NameOf(rid).ToString(), error.Message, StringComparison.Ordinal);
    }

    [Test]
    public void A_circle_in_the_delta_table_is_damage_and_ends()
    {
        using var repository = NewInMemory(cacheBytes: 0);
        using var transaction = repository.Begin();
        var (a, b) = (repository.Content.Put("a"u8), repository.Content.Put("b"u8));
        repository.Database.Execute($"INSERT INTO delta VALUES({a},{b}),({b},{a})");

        Assert.Equal(ContentState.Damaged, repository.Content.Read(a, out _));
        Assert.False(repository.Content.IsAvailable(a));
    }

    [Test]
    public void What_another_program_changed_is_noticed()
    {
        var path = _folder["r.fossil"];
        Repository.Create(path, new RepositoryCreateOptions()).Dispose();
        using var ours = Repository.Open(path);
        using var theirs = Repository.Open(path);
        using (ours.Content.Get(new RecordId(1)))
        {
        }

        theirs.Database.Execute("UPDATE blob SET size=-1, content=NULL WHERE rid=1");

        Assert.Equal(ContentState.Phantom, ours.Content.Read(new RecordId(1), out _));
    }

    [Test]
    public void A_rollback_leaves_nothing_in_memory()
    {
        using var repository = NewInMemory();
        RecordId rid;
        using (repository.Begin()) rid = repository.Content.Put("never was"u8);

        Assert.Equal(ContentState.Unknown, repository.Content.Read(rid, out _));
        Assert.Empty(repository.Content.NewlyAvailable);
        using var transaction = repository.Begin();
        repository.Content.Put("now"u8);
        Assert.Equal(1, repository.Database.QueryInt64(
            "SELECT count(*) FROM blob WHERE rid=(SELECT max(rid) FROM blob) AND rcvid IN "
            + "(SELECT rcvid FROM rcvfrom)"));
    }

    [Test]
    public void Large_content_is_stored_in_pieces_and_read_back()
    {
        var path = _folder["r.fossil"];
        using var repository = Repository.Create(path, new RepositoryCreateOptions());
        var text = new Prng(9).NextBytes(40_000_000);
        RecordId rid;
        using (var transaction = repository.Begin())
        {
            rid = repository.Content.Put(text);
            repository.Content.NewlyAvailable.Clear();
            transaction.Commit();
        }

        using var read = repository.Content.Get(rid);
        Assert.True(read.Span.SequenceEqual(text));
    }

    [Test]
    public void Stored_bytes_of_a_clone_are_checked_before_they_count()
    {
        using var repository = NewInMemory();
        var content = repository.Content;
        using var transaction = repository.Begin();
        var text = new byte[300];
        var stored = EdgeSync.Fossil.Blobs.BlobCodec.Encode(EdgeSync.Fossil.Blobs.Deflater.OfThisThread, text);

        Assert.Equal(PutOutcome.WrongHash, content.PutStored(Sha3("x"u8), default, 300, stored, false, out _));
        Assert.Equal(PutOutcome.BadCompression, content.PutStored(Sha3(text), default, 299, stored, false, out _));
        Assert.Equal(
            PutOutcome.BadCompression, content.PutStored(Sha3(text), default, 300, stored.AsSpan(0, 9), false, out _));
        Assert.Equal(PutOutcome.Stored, content.PutStored(Sha3(text), default, 300, stored, false, out _));
        Assert.Equal(PutOutcome.AlreadyHeld, content.PutStored(Sha3(text), default, 300, stored, false, out _));
    }

    private static List<RecordId> Wanted(Repository repository)
    {
        var listed = new ArtifactListing[10];
        using var store = new RepositoryArtifactStore(repository);
        return [.. listed[..store.List(ArtifactList.Phantoms, RecordId.None, listed)].Select(phantom => phantom.Rid)];
    }

    private static byte[] Edit(Prng prng, byte[] text)
    {
        var at = prng.NextInt32(text.Length + 1);
        var cut = prng.NextInt32(Math.Min(20, text.Length - at + 1));
        return [.. text[..at], .. prng.NextBytes(prng.NextInt32(1, 20)), .. text[(at + cut)..]];
    }
}
