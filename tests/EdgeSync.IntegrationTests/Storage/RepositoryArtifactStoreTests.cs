using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Client;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.IntegrationTests.Storage.Crosslink;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Sync;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

/// <summary>The sync engine over repository files: no transport, two engines and two stores.</summary>
public sealed class RepositoryArtifactStoreTests : IDisposable
{
    private static readonly Instant Now = Instant.FromUnixSeconds(1_795_000_000);
    private readonly TemporaryFolder _folder = new("store");

    public void Dispose() => _folder.Dispose();

    private static SyncReport Exchange(
        Repository client, Repository server, SyncActions actions, SyncLogin? login = null)
    {
        using var clientStore = new RepositoryArtifactStore(client);
        using var serverStore = new RepositoryArtifactStore(server);
        var handler = new ServerHandler(serverStore, new ServerOptions());
        using var session = new ClientSession(
            clientStore, new ClientOptions { Actions = actions, Login = login }, new SeededEntropy(11));
        var request = new ArrayBufferWriter<byte>();
        for (var rounds = 0; session.TryBuildRequest(Now, request); rounds++)
        {
            Assert.True(rounds < 200);
            using var reply = new PooledBytes();
            handler.Handle(Now, request.WrittenMemory.ToArray(), "127.0.0.1", reply);
            request.ResetWrittenCount();
            session.Receive(Now, reply.Written.ToArray());
        }

        return session.Report;
    }

    private Repository OpenKinds(string name = "kinds.fossil")
    {
        var path = _folder[name];
        File.Copy(Vectors.PathOf("repositories", "kinds.fossil"), path);
        return Repository.Open(path);
    }

    private static Repository NewClone() =>
        Repository.CreateForClone(Database.InMemory, new RepositoryCreateOptions { Entropy = new SeededEntropy(5) });

    [Test]
    [Arguments(-1)]
    [Arguments(700)]
    [Arguments(1_399)]
    public void Thousands_of_deltas_in_one_round_are_checked_together_before_the_commit(int lie)
    {
        const int Count = 1_400;
        using var repository = NewClone();
        using var store = new RepositoryArtifactStore(repository);
        var texts = Enumerable.Range(0, Count)
            .Select(i => Encoding.ASCII.GetBytes($"{new string('x', 300)} text {i}\n")).ToArray();
        var ids = texts.Select(text => ArtifactHash.Compute(HashKind.Sha3, text)).ToArray();
        var room = new byte[1_000];

        Assert.True(store.Begin(StoreAccess.Write, Now));
        Assert.True(store.TrySetSender(new Sender(0, null, "127.0.0.1")));

        // Names that were known before, as clusters make them known.
        store.AddPhantoms(ids, isPrivate: false);
        Assert.Equal(PutOutcome.Stored, store.PutText(ids[0], texts[0], isPrivate: false, out _));
        for (var i = 1; i < Count; i++)
        {
            byte[] text = i == lie ? [.. texts[i][..^1], (byte)'!'] : texts[i];
            Assert.True(DeltaEncoder.TryEncode(texts[i - 1], text, room, out var size));
            var outcome = store.PutDelta(ids[i], ids[i - 1], room.AsSpan(0, size), isPrivate: false, out _);
            Assert.True(outcome is PutOutcome.Stored or PutOutcome.Pending);
        }

        store.LinkArrived();

        Assert.Equal(lie < 0, store.TryCommit(out var fault));
        if (lie >= 0)
        {
            Assert.Equal(new StoreFault(ids[lie], PutOutcome.WrongHash), fault);
            Assert.Equal(RecordId.None, repository.Content.Find(ids[0]));
            return;
        }

        for (var i = 0; i < Count; i++)
        {
            using var content = repository.Content.Get(ids[i]);
            Assert.True(content.Span.SequenceEqual(texts[i]));
        }
    }

    // Stock's server holds such deltas and requests their sources only; repeating it made its clients send half as much
    // more.
    [Test]
    public void A_waiting_delta_is_not_requested_again_when_its_source_waits_too()
    {
        using var repository = NewClone();
        using var store = new RepositoryArtifactStore(repository);
        var texts = Enumerable.Range(0, 4).Select(i => Encoding.ASCII.GetBytes($"{new string('x', 300)} text {i}\n"))
            .ToArray();
        var ids = texts.Select(text => ArtifactHash.Compute(HashKind.Sha3, text)).ToArray();

        // Each rests on the next one.
        foreach (var i in (int[])[0, 1, 2])
        {
            Begin();
            var delta = DeltaEncoder.Encode(texts[i + 1], texts[i]);
            Assert.Equal(PutOutcome.Pending, store.PutDelta(ids[i], ids[i + 1], delta, isPrivate: false, out _));
            Assert.Equal([ids[i + 1]], store.Walk(ArtifactList.Phantoms).Select(p => p.Id));
            Assert.True(store.TryCommit(out _));
            Assert.True(store.Begin(StoreAccess.Read, Now));
            Assert.Equal([ids[i + 1]], store.Walk(ArtifactList.Phantoms).Select(p => p.Id));
            store.Rollback();
        }

        Begin();
        Assert.Equal(PutOutcome.Stored, store.PutText(ids[3], texts[3], isPrivate: false, out _));
        Assert.Empty(store.Walk(ArtifactList.Phantoms));
        Assert.True(store.TryCommit(out _));
        for (var i = 0; i < ids.Length; i++)
        {
            using var content = repository.Content.Get(ids[i]);
            Assert.True(content.Span.SequenceEqual(texts[i]));
        }

        void Begin()
        {
            Assert.True(store.Begin(StoreAccess.Write, Now));
            Assert.True(store.TrySetSender(new Sender(0, null, "127.0.0.1")));
        }
    }

    /// <summary>
    /// Two peers may each hold what the other holds as a delta of it; a file whose permission alone changed comes as a
    /// delta of itself.
    /// </summary>
    [Test]
    public void Deltas_in_a_circle_among_thousands_become_phantoms_and_the_rest_is_kept()
    {
        const int Count = 1_200;
        using var repository = NewClone();
        using var store = new RepositoryArtifactStore(repository);
        var texts = Enumerable.Range(0, Count)
            .Select(i => Encoding.ASCII.GetBytes($"{new string('x', 300)} text {i}\n")).ToArray();
        var ids = texts.Select(text => ArtifactHash.Compute(HashKind.Sha3, text)).ToArray();

        Assert.True(store.Begin(StoreAccess.Write, Now));
        Assert.True(store.TrySetSender(new Sender(0, null, "127.0.0.1")));
        store.PutText(ids[0], texts[0], isPrivate: false, out _);
        for (var i = 1; i < Count - 2; i++) Assert.NotEqual(PutOutcome.BadDelta, Put(i, i - 1));
        Put(Count - 2, Count - 1);
        Put(Count - 1, Count - 2);
        Assert.Equal(PutOutcome.Circular, Put(Count - 3, Count - 3));

        Assert.True(store.TryCommit(out var fault), fault.ToString());
        Assert.All(ids[..^2], id => Assert.True(repository.Content.IsAvailable(repository.Content.Find(id))));
        store.Begin(StoreAccess.Read, Now);
        var phantoms = Walk(store, ArtifactList.Phantoms).Select(one => one.Id).ToList();
        store.Rollback();
        Assert.NotEmpty(phantoms);
        Assert.Empty(phantoms.Except(ids[^2..]));
        Assert.Equal(0, repository.Database.QueryInt64("SELECT count(*) FROM delta JOIN phantom ON srcid=phantom.rid"));

        // The text of either brings both.
        store.Begin(StoreAccess.Write, Now);
        foreach (var i in new[] { Count - 2, Count - 1 }) store.PutText(ids[i], texts[i], isPrivate: false, out _);
        Assert.True(store.TryCommit(out _));
        Assert.All(ids, id => Assert.True(repository.Content.IsAvailable(repository.Content.Find(id))));

        PutOutcome Put(int target, int source) => store.PutDelta(
            ids[target], ids[source], DeltaEncoder.Encode(texts[source], texts[target]), isPrivate: false, out _);
    }

    [Test]
    public void A_round_of_a_thousand_check_ins_gives_the_rows_that_linking_one_by_one_gives()
    {
        const int Count = 1_200;
        var checkIns = new List<byte[]>();
        var parent = default(ArtifactId);
        for (var i = 0; i < Count; i++)
        {
            var draft = new ArtifactDraft
            {
                Comment = $"check-in {i}",
                Date = Now + TimeSpan.FromMinutes(i),
                User = "tester",
                Files = [new FileDraft("a.txt"u8.ToArray(), Name($"file {i / 2}"))],
                Parents = parent.IsEmpty ? [] : [parent],
                HasEmptyParents = parent.IsEmpty,
                Tags = i % 100 == 0
                ? [
                    new TagDraft(TagAction.Propagating, "branch", default, $"b{i}"),
                    new TagDraft(TagAction.Propagating, $"sym-b{i}")]
                : [],
            };
            checkIns.Add(draft.ToBytes());
            parent = ArtifactHash.Compute(HashKind.Sha3, checkIns[^1]);
        }

        var (bulk, single) = (_folder["bulk.fossil"], _folder["single.fossil"]);
        Fill(bulk, perRound: Count);
        Fill(single, perRound: 50);

        DerivedRows.MustBeEqual(single, bulk);
        using var file = Database.Open(bulk, new DatabaseOptions { Access = DatabaseAccess.Read });
        Assert.Equal(Count, file.QueryInt64("SELECT count(*) FROM event WHERE type='ci'"));
        Assert.Equal(Count / 100, file.QueryInt64("SELECT count(*) FROM leaf"));

        void Fill(string path, int perRound)
        {
            using var repository = Repository.CreateForClone(
                path, new RepositoryCreateOptions { Entropy = new SeededEntropy(5), Durability = Durability.None });
            using var store = new RepositoryArtifactStore(repository);
            foreach (var round in checkIns.Chunk(perRound))
            {
                Assert.True(store.Begin(StoreAccess.Write, Now));
                Assert.True(store.TrySetSender(new Sender(0, null, "127.0.0.1")));
                foreach (var text in round)
                {
                    var stored = new byte[BlobCodec.GetEncodedLengthMax(text.Length)];
                    var size = BlobCodec.Encode(Deflater.OfThisThread, text, stored);
                    store.PutStored(
                        ArtifactHash.Compute(HashKind.Sha3, text), default, text.Length, stored.AsSpan(0, size),
                        isPrivate: false, out _);
                }

                Assert.True(store.TryCommit(out _));
            }
        }
    }

    [Test]
    public void A_clone_holds_what_the_server_holds_row_for_row()
    {
        using var server = OpenKinds();
        using var client = NewClone();

        server.Users.Add("trusted", "gox", "secret");

        var report = Exchange(
            client, server, SyncActions.Clone | SyncActions.Private, new SyncLogin("trusted", "secret"));

        Assert.Null(report.Fault);
        Assert.False(new CloneProgress(client).IsRunning);
        Assert.Equal(server.ProjectCode, client.ProjectCode);
        Assert.NotEqual(server.ServerCode, client.ServerCode);
        var tables = new Dictionary<string, string>(RepositoryTables.ArtifactQueries);
        foreach (var name in new[] { "filename", "leaf", "tag", "cherrypick", "phantom" })
            tables[name] = RepositoryTables.DerivedQueries[name];
        tables["private"] = RepositoryTables.OtherQueries["private"];
        Assert.Equal("", Tables(server, tables).DifferencesFrom(Tables(client, tables)));
    }

    [Test]
    public void A_pull_of_nothing_writes_nothing()
    {
        using var server = OpenKinds();
        using var client = NewClone();
        Exchange(client, server, SyncActions.Clone);
        var before = client.Database.TotalChanges;

        var report = Exchange(client, server, SyncActions.Pull);

        Assert.Null(report.Fault);
        Assert.Equal(0, report.ArtifactsReceived);
        Assert.Equal(before, client.Database.TotalChanges);
    }

    [Test]
    public void Sync_sends_local_and_receives_remote_artifacts()
    {
        using var server = OpenKinds();
        using var client = NewClone();
        Exchange(client, server, SyncActions.Clone);
        server.Users.Add("pusher", "io", "secret");
        Put(client, "made here", isUnsent: true);
        Put(server, "made there", isUnsent: false);

        var report = Exchange(client, server, SyncActions.Sync, new SyncLogin("pusher", "secret"));

        Assert.Null(report.Fault);
        Assert.False(server.Content.Find(Name("made here")).IsNone);
        Assert.False(client.Content.Find(Name("made there")).IsNone);
        Assert.Equal(0, client.Database.QueryInt64("SELECT count(*) FROM unsent"));
        Assert.Equal(1, server.Database.QueryInt64(
            "SELECT count(*) FROM rcvfrom WHERE nonce IS NOT NULL AND uid="
            + "(SELECT uid FROM user WHERE login='pusher')"));
    }

    [Test]
    public void Private_content_is_sent_on_request_only()
    {
        using var server = OpenKinds();
        using var client = NewClone();
        Exchange(client, server, SyncActions.Clone);
        using (var transaction = server.Begin())
        {
            server.Content.Put("secret"u8, isPrivate: true);
            transaction.Commit();
        }

        Exchange(client, server, SyncActions.Pull);
        Assert.True(client.Content.Find(Name("secret")).IsNone);

        server.Users.Add("trusted", "iox", "secret");
        Exchange(client, server, SyncActions.Pull | SyncActions.Private, new SyncLogin("trusted", "secret"));

        var rid = client.Content.Find(Name("secret"));
        Assert.True(client.Content.IsPrivate(rid));
    }

    [Test]
    public void Lists_are_walked_in_order_and_leave_out_what_is_shunned()
    {
        using var repository = OpenKinds();
        using var store = new RepositoryArtifactStore(repository);
        var all = Walk(store, ArtifactList.Public);
        var shunned = all[all.Count / 2];
        repository.Shuns.Add(shunned.Id);

        var rest = Walk(store, ArtifactList.Public);

        Assert.Equal(all.Where(one => one.Id != shunned.Id), rest);
        Assert.Equal(rest.OrderBy(one => one.Rid), rest);
        store.Begin(StoreAccess.Read, Now);
        Assert.False(store.TryReadText(shunned.Rid, out _));
        var entries = new ArtifactEntry[2];
        store.Lookup([shunned.Id, Name("unheard of")], entries);
        Assert.True(entries[0].IsShunned && entries[0].IsHeld);
        Assert.Equal(default, entries[1]);
        store.Rollback();
    }

    [Test]
    public void The_push_mark_is_kept_until_records_are_removed()
    {
        using var repository = OpenKinds();
        using var store = new RepositoryArtifactStore(repository);
        var mark = new PeerMark(new RecordId(7), Now);
        store.Begin(StoreAccess.Write, Now);
        Assert.Null(store.FindPeerMark("http://host/"));
        store.SetPeerMark("http://host/", new PeerMark(new RecordId(3), Now));
        store.SetPeerMark("http://host/", mark);
        Assert.True(store.TryCommit(out _));

        Rebuilder.Run(repository, new RebuildOptions(), TestContext.Current!.Execution.CancellationToken);
        store.Begin(StoreAccess.Read, Now);
        Assert.Equal(mark, store.FindPeerMark("http://host/"));
        Assert.Null(store.FindPeerMark("http://another/"));
        store.Rollback();

        repository.Shuns.Add(repository.Content.NameOf(new RecordId(1)));
        Rebuilder.Run(repository, new RebuildOptions(), TestContext.Current!.Execution.CancellationToken);
        store.Begin(StoreAccess.Read, Now);
        Assert.Null(store.FindPeerMark("http://host/"));
        store.Rollback();
    }

    [Test]
    public void A_hundred_unclustered_artifacts_make_a_cluster_that_stock_accepts()
    {
        var path = _folder["kinds.fossil"];
        using (var repository = OpenKinds())
        {
            for (var i = 0; i < 1000; i++) Put(repository, $"file {i}", isUnsent: false);
            using var store = new RepositoryArtifactStore(repository);
            store.Begin(StoreAccess.Write, Now);
            store.MakeClusters();
            Assert.True(store.TryCommit(out _));

            Assert.Equal(2, Walk(store, ArtifactList.Clusters).Count(one => !IsOld(repository, one.Rid)));
            Assert.Equal(2, Walk(store, ArtifactList.Unclustered).Count);
        }

        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        stock.MustBeIntact(path);
        var before = Rows(path, "SELECT count(*) FROM tagxref WHERE tagid=7");
        stock.Run("rebuild", path);
        Assert.Equal(before, Rows(path, "SELECT count(*) FROM tagxref WHERE tagid=7"));
        Assert.Equal(2, Rows(path, "SELECT count(*) FROM unclustered JOIN blob USING(rid) WHERE size>=0"));
    }

    [Test]
    public void A_round_that_is_rolled_back_leaves_nothing()
    {
        using var repository = OpenKinds();
        using var store = new RepositoryArtifactStore(repository);
        store.Begin(StoreAccess.Write, Now);
        Assert.True(store.TrySetSender(new Sender(1, "n1", "x")));
        store.PutText(Name("gone"), "gone"u8, isPrivate: false, out _);
        store.Rollback();

        Assert.True(repository.Content.Find(Name("gone")).IsNone);
        store.Begin(StoreAccess.Write, Now);
        Assert.True(store.TrySetSender(new Sender(1, "n1", "x")));
        store.PutText(Name("kept"), "kept"u8, isPrivate: false, out _);
        Assert.True(store.TryCommit(out _));
        store.Begin(StoreAccess.Write, Now);
        Assert.False(store.TrySetSender(new Sender(1, "n1", "x")));
        store.Rollback();
    }

    [Test]
    public void A_read_only_file_is_read_and_never_written()
    {
        var path = _folder["kinds.fossil"];
        OpenKinds().Dispose();
        using var repository = Repository.Open(path, RepositoryOptions.ReadOnly);
        using var store = new RepositoryArtifactStore(repository);

        Assert.False(store.Begin(StoreAccess.Write, Now));
        Assert.True(store.Begin(StoreAccess.Read, Now));
        Assert.NotEmpty(Walk(store, ArtifactList.Public));
        store.Rollback();
    }

    [Test]
    public void Delta_and_stored_form_are_what_the_repository_holds()
    {
        using var repository = OpenKinds();
        using var store = new RepositoryArtifactStore(repository);
        store.Begin(StoreAccess.Read, Now);
        var deltas = 0;
        var forms = new List<(RecordId Rid, ArtifactId Id, ArtifactId Source, long Size)>();
        store.VisitStored(RecordId.None, withPrivate: false, (RecordId rid, in StoredArtifact stored) =>
        {
            forms.Add((rid, stored.Id, stored.Source, stored.ExpandedSize));
            return true;
        });
        Assert.Equal(Walk(store, ArtifactList.Public), [.. forms.Select(f => new ArtifactListing(f.Rid, f.Id))]);
        foreach (var one in forms)
        {
            var source = one.Source;
            Assert.Equal(store.SizeOf(one.Rid), one.Size);
            if (!store.TryReadDelta(one.Rid, out var delta)) continue;

            deltas++;
            Assert.Equal(source, delta.Source);
            var bytes = delta.Bytes.ToArray();
            Assert.True(store.TryReadText(delta.SourceRid, out var text));
            Assert.True(DeltaApplier.TryApply(text.Bytes, bytes, 1 << 24, out var target, out _));
            Assert.True(ArtifactHash.Matches(one.Id, target));
        }

        Assert.True(deltas > 5);
        store.Rollback();
    }

    [Test]
    public void Synced_tables_keep_rows_schemas_and_deletions_and_survive_a_rebuild_by_stock()
    {
        var path = _folder["kinds.fossil"];
        var schema = new SyncedTableSchema("peers", 1, 100, SyncedConflict.MtimeWins,
            [new("id", SyncedColumnType.Text, true), new("port", SyncedColumnType.Integer, false)]);
        using (var repository = OpenKinds())
        {
            var tables = new SyncedTableStore(repository);
            tables.Declare(schema);
            tables.Declare(
                schema with { Version = 2, Columns = [.. schema.Columns, new("note", SyncedColumnType.Text, false)] });
            tables.Put("peers", new("k1", 5, false, "ann"), """{"id":"a","port":80,"note":"x'y"}"""u8);
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
            tables.Put("peers", new("k2", now, true, null), """{"id":"b","port":81}"""u8);
            // A deletion that every replica has had the time to learn of is not kept.
            tables.Put("peers", new("k3", 7, true, null), """{"id":"c"}"""u8);
        }

        if (StockFossil.Program is not null) new StockFossil(_folder).Run("rebuild", path);

        using var again = Repository.Open(path);
        var kept = new SyncedTableStore(again);
        Assert.Equal(3, Assert.Single(kept.List()).Columns.Count);
        Assert.Equal(["k1", "k2"], kept.ListRows("peers").Select(row => row.KeyHash));
        Assert.True(kept.TryRead("peers", "k2", out var deleted));
        Assert.Equal("""{"id":"b"}"""u8.ToArray(), deleted);
        Assert.Equal(80, again.Database.QueryInt64("SELECT port FROM fx_x_peers WHERE note='x''y'"));
        Assert.True(kept.Remove("peers"));
        Assert.Empty(kept.List());
    }

    [Test]
    public void Configuration_rows_are_merged_by_time_and_only_into_known_columns()
    {
        using var repository = OpenKinds();
        var config = new RepositoryConfigStore(repository);
        var row = new ConfigRow(
            ConfigTable.User, "zoe", 100, [("cap", new ConfigValue("i")), ("pw", new ConfigValue("p"))]);

        Assert.True(config.Merge(row, overwrite: false));
        Assert.False(
            config.Merge(row with { MtimeSeconds = 99, Columns = [("cap", new ConfigValue("s"))] }, overwrite: false));
        Assert.True(
            config.Merge(
                row with { MtimeSeconds = 101, Columns = [("cap", new ConfigValue("io"))] }, overwrite: false));
        Assert.False(config.Merge(row with { Columns = [("uid", new ConfigValue(1L))] }, overwrite: true));

        Assert.Equal("io", config.FindUser("zoe")!.Capabilities);
        Assert.Equal("p", config.FindUser("zoe")!.Password);
        Assert.Contains(
            config.List(ConfigTable.User, 0, _ => true), one => one.Key == "zoe" && one.MtimeSeconds == 101);
        Assert.Empty(config.List(ConfigTable.Subscriber, 0, _ => true));
    }

    private static bool IsOld(Repository repository, RecordId rid) =>
        repository.Database.QueryInt64($"SELECT max(rid) FROM blob WHERE uuid='{Name("file 0")}'") > rid.Value;

    private static long Rows(string path, string sql)
    {
        using var database = Database.Open(path, new DatabaseOptions { Access = DatabaseAccess.Read });
        return database.QueryInt64(sql);
    }

    private static List<ArtifactListing> Walk(RepositoryArtifactStore store, ArtifactList list)
    {
        var all = new List<ArtifactListing>();
        var some = new ArtifactListing[7];
        var after = RecordId.None;
        for (var count = some.Length; count == some.Length;)
        {
            count = store.List(list, after, some);
            all.AddRange(some[..count]);
            if (count > 0) after = some[count - 1].Rid;
        }

        return all;
    }

    private static void Put(Repository repository, string text, bool isUnsent)
    {
        using var transaction = repository.Begin();
        repository.Content.Put(System.Text.Encoding.UTF8.GetBytes(text), isUnsent: isUnsent);
        transaction.Commit();
    }

    private static ArtifactId Name(string text) =>
        ArtifactHash.Compute(HashKind.Sha3, System.Text.Encoding.UTF8.GetBytes(text));

    private static RepositoryTables Tables(Repository repository, IReadOnlyDictionary<string, string> queries) =>
        RepositoryTables.Read(sql => QueryRows.Read(repository.Database, sql), queries);
}
