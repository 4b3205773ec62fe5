using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Sync;

/// <summary>Sync merges sets: in any order, any number of times, over any number of parties.</summary>
public class ConvergenceTests
{
    [Test]
    public void Two_parties_hold_the_same_after_one_sync()
    {
        Property.Check(
            prng =>
            {
                var (one, two) = (Random(prng), Random(prng));

                Assert.True(Sync(one, two, prng.NextUInt64()).IsOk);

                AssertEqual(one, two);
            },
            runs: 20);
    }

    [Test]
    public void A_second_sync_finds_nothing_to_do()
    {
        Property.Check(
            prng =>
            {
                var (one, two) = (Random(prng), Random(prng));
                Sync(one, two, prng.NextUInt64());

                var again = Sync(one, two, prng.NextUInt64());

                Assert.Equal((0, 0), (again.ArtifactsReceived, again.ArtifactsSent));
                Assert.Equal(1, again.Rounds);
                AssertEqual(one, two);
            },
            runs: 10);
    }

    [Test]
    public void Three_parties_hold_the_same_whatever_the_order()
    {
        Property.Check(
            prng =>
            {
                var seed = prng.NextUInt64();
                var first = Meet(seed, [(0, 1), (1, 2), (2, 0), (0, 1)]);
                var second = Meet(seed, [(2, 1), (1, 0), (0, 2), (1, 2)]);

                // Servers make clusters of their own, which the next sync would carry on.
                var all = WithoutClusters(first[0]);
                Assert.All(first.Concat(second), store => Assert.Equal(all, WithoutClusters(store)));
            },
            runs: 8);

        static List<ArtifactId> WithoutClusters(MemoryArtifactStore store) => [.. store.State.ByRid
            .Where(r => r.Text is not null && r.Artifact is not { Kind: ArtifactKind.Cluster })
            .Select(r => r.Id)
            .Order()];

        static MemoryArtifactStore[] Meet(ulong seed, (int Client, int Server)[] order)
        {
            var prng = new Prng(seed);
            MemoryArtifactStore[] stores = [Random(prng), Random(prng), Random(prng)];
            foreach (var (client, server) in order) Sync(stores[client], stores[server], prng.NextUInt64());
            return stores;
        }
    }

    [Test]
    public void Private_artifacts_stay_private_and_are_sent_on_request_only()
    {
        var (one, two) = (SampleProject.Create("sx"), SampleProject.Create("sx"));
        var secret = one.Add("a private text"u8.ToArray(), isPrivate: true);

        Sync(one, two, 1);
        Assert.DoesNotContain(secret, two.HeldIds(withPrivate: true));

        Sync(one, two, 2, SyncActions.Sync | SyncActions.Private);
        Assert.Contains(secret, two.HeldIds(withPrivate: true));
        Assert.DoesNotContain(secret, two.HeldIds());
    }

    [Test]
    public void A_private_artifact_becomes_public_where_it_is_published()
    {
        var (one, two) = (SampleProject.Create("sx"), SampleProject.Create("sx"));
        var id = one.Add("a private text"u8.ToArray(), isPrivate: true);
        Sync(one, two, 1, SyncActions.Sync | SyncActions.Private);
        one.Write(() => one.SetPrivate(one.Lookup(id).Rid, false));

        Sync(one, two, 2);

        Assert.Contains(id, two.HeldIds());
    }

    [Test]
    public void Shunned_artifacts_do_not_travel()
    {
        var (one, two) = (SampleProject.Create(), SampleProject.Create());
        var id = one.Add("not wanted"u8.ToArray());
        two.Shun(id);

        Assert.True(Sync(one, two, 1).IsOk);

        Assert.DoesNotContain(id, two.HeldIds());
        Assert.Empty(two.Phantoms);
    }

    [Test]
    public void Clusters_lead_to_what_is_not_announced_any_more()
    {
        var server = SampleProject.Create();
        SampleProject.History(server, 150);
        var one = SampleProject.Create();
        Sync(one, server, 1);
        var late = SampleProject.Create();
        Assert.True(server.Begin(StoreAccess.Read, default));
        Assert.True(server.Walk(ArtifactList.Unclustered).Count() < 100);
        server.Rollback();

        var report = Sync(late, server, 2, SyncActions.Pull);

        Assert.True(report.IsOk);
        AssertEqual(late, server);
        Assert.Empty(late.Phantoms);
    }

    [Test]
    public void Unversioned_files_converge_and_the_newer_one_wins()
    {
        Property.Check(
            prng =>
            {
                var (one, two) = (SampleProject.Create("sy"), SampleProject.Create("sy"));
                foreach (var store in new[] { one, two })
                    for (var i = prng.NextInt32(6); i > 0; i--)
                    {
                        var (name, time) = ($"f{prng.NextInt32(4)}", prng.NextInt32(1, 5));
                        if (prng.Chance(0.2)) store.Write(() => store.Unversioned.Delete(name, time));
                        else PutUnversioned(store, name, prng.NextInt32(3), time);
                    }

                var report = Sync(one, two, prng.NextUInt64(), SyncActions.Unversioned);

                Assert.True(report.IsOk, report.Fault?.Text);
                Assert.Equal(one.Unversioned.CatalogHash, two.Unversioned.CatalogHash);
            },
            runs: 200);
    }

    [Test]
    public void A_deletion_is_sent_to_every_side_with_the_file()
    {
        var (one, two) = (SampleProject.Create("sy"), SampleProject.Create("sy"));
        PutUnversioned(one, "f", 1, 10);
        Sync(one, two, 1, SyncActions.Unversioned);
        one.Write(() => one.Unversioned.Delete("f", 20));

        Sync(one, two, 2, SyncActions.Unversioned);

        Assert.True(two.Unversioned.TryFind("f", out var entry));
        Assert.True(entry.IsDeletion);
    }

    [Test]
    public void Without_the_capability_unversioned_files_are_only_pulled()
    {
        var (one, two) = (SampleProject.Create("s"), SampleProject.Create("s"));
        PutUnversioned(one, "mine", 1, 10);
        PutUnversioned(two, "yours", 1, 10);

        var report = Sync(one, two, 1, SyncActions.Unversioned);

        Assert.True(report.UnversionedPushRefused);
        Assert.False(two.Unversioned.TryFind("mine", out _));
        Assert.True(one.Unversioned.TryFind("yours", out _));
    }

    [Test]
    public void A_revert_makes_the_local_files_those_of_the_server()
    {
        var (one, two) = (SampleProject.Create("sy"), SampleProject.Create("sy"));
        PutUnversioned(one, "both", 1, 20);
        PutUnversioned(one, "mine", 1, 20);
        PutUnversioned(two, "both", 2, 10);

        var report = Sync(one, two, 1, SyncActions.Unversioned | SyncActions.UnversionedRevert);

        Assert.True(report.IsOk, report.Fault?.Text);
        Assert.Equal(one.Unversioned.List(), two.Unversioned.List());
    }

    [Test]
    public void Synced_tables_converge_and_deletions_travel()
    {
        var schema = new SyncedTableSchema(
            "peer", 1, 1, SyncedConflict.MtimeWins,
            [
                new SyncedColumn("id", SyncedColumnType.Text, true),
                new SyncedColumn("v", SyncedColumnType.Integer, false)]);
        Property.Check(
            prng =>
            {
                var (one, two) = (SampleProject.Create("s"), SampleProject.Create("s"));
                foreach (var store in new[] { one, two })
                {
                    if (prng.Chance(0.2)) continue;

                    store.Write(() => store.Tables!.Declare(schema));
                    for (var i = prng.NextInt32(6); i > 0; i--) PutRow(store, schema, prng);
                }

                var report = Sync(one, two, prng.NextUInt64(), SyncActions.Tables);

                Assert.True(report.IsOk, report.Fault?.Text);
                Assert.Equal(Live(one), Live(two));
            },
            runs: 200);
    }

    [Test]
    [Arguments(SyncedConflict.MtimeWins)]
    [Arguments(SyncedConflict.SelfWrite)]
    [Arguments(SyncedConflict.OwnerWrite)]
    public void Replicas_of_a_table_agree_whatever_each_has_written(SyncedConflict conflict)
    {
        Property.Check(
            prng =>
            {
                var hub = SampleProject.Create("s");
                MemoryArtifactStore[] replicas = [SampleProject.Create("s"), SampleProject.Create("s"), hub];
                string[] users = ["ann", "ben"];
                foreach (var user in users) hub.Write(() => AddUser(hub, user));
                foreach (var replica in replicas) replica.Write(() => Change(replica, conflict, prng));
                for (var turn = prng.NextInt32(3, 9); turn > 0; turn--)
                {
                    var at = prng.NextInt32(2);
                    if (prng.Chance(0.5)) replicas[at].Write(() => Change(replicas[at], conflict, prng));
                    SyncAs(replicas[at], hub, users[at], prng.NextUInt64());
                }

                // Rows first; what hashes do not show is compared once keys and times are equal.
                foreach (var at in (int[])[0, 1, 0, 1, 0, 1, 0, 1])
                    SyncAs(replicas[at], hub, users[at], prng.NextUInt64());

                Assert.All(replicas, replica => Assert.Equal(TextOf(hub), TextOf(replica)));
            },
            runs: 150);
    }

    private static void AddUser(MemoryArtifactStore hub, string login) => hub.State.Users[login] = new UserAccount(
        hub.State.Users.Count + 1, login,
        EdgeSync.Fossil.Xfer.XferLogin.SharedSecret(SampleProject.Code, login, "secret"), "io");

    private static void SyncAs(MemoryArtifactStore client, MemoryArtifactStore server, string login, ulong seed)
    {
        var options = SampleProject.Options(SyncActions.Sync | SyncActions.Tables) with
        {
            Login = new SyncLogin(login, "secret")
        };
        var report = new DirectExchange(server).Run(client, options, seed);
        Assert.True(report.IsOk, report.Fault?.Text);
    }

    // Columns are added, rows written with few times, so that ties are frequent, and deleted.
    private static void Change(MemoryArtifactStore store, SyncedConflict conflict, Prng prng)
    {
        var tables = store.Tables!;
        var known = tables.List().FirstOrDefault(s => s.Name == "peer");
        var schema = known ?? new SyncedTableSchema(
            "peer", 1, 1, conflict,
            [
                new SyncedColumn("id", SyncedColumnType.Text, true),
                new SyncedColumn("v", SyncedColumnType.Integer, false)]);
        var added = new SyncedColumn($"c{prng.NextInt32(3)}", SyncedColumnType.Text, false);
        if (known is not null && prng.Chance(0.3) && !known.Columns.Contains(added))
            schema = known with { Version = known.Version + 1, Columns = [.. known.Columns, added] };
        if (schema != known) tables.Declare(schema);

        for (var i = prng.NextInt32(4); i > 0; i--)
        {
            var key = prng.NextInt32(3);
            var isDeleted = prng.Chance(0.2);
            var json = Encoding.UTF8.GetBytes(
                isDeleted ? $"{{\"id\":\"k{key}\"}}" : $"{{\"id\":\"k{key}\",\"v\":{prng.NextInt32(9)}}}");
            Assert.True(SyncedRow.TryCheck(schema, json, out var keyHash));
            tables.TryFind("peer", keyHash, out var before);
            var time = Math.Max(prng.NextInt32(1, 4), before.MtimeSeconds + 1);
            tables.Put("peer", new SyncedRowEntry(keyHash, time, isDeleted, before.Owner), json);
        }
    }

    private static string TextOf(MemoryArtifactStore store)
    {
        var schema = store.Tables!.List().Single(s => s.Name == "peer");
        var rows = Live(store).Select(r => store.Tables.TryRead("peer", r.KeyHash, out var json)
            ? $"{r.KeyHash[..4]} {r.MtimeSeconds} {Encoding.UTF8.GetString(json)}" : "");
        var columns = schema.Columns.Select(c => c.Name).Order(StringComparer.Ordinal);
        return $"{schema.Version} {string.Join(',', columns)}\n{string.Join('\n', rows)}";
    }

    // A deletion is not sent to peers that never had the row.
    private static IEnumerable<SyncedRowEntry> Live(MemoryArtifactStore store) =>
        store.Tables!.ListRows("peer").Where(r => !r.IsDeleted);

    private static void PutRow(MemoryArtifactStore store, SyncedTableSchema schema, Prng prng)
    {
        // The time stands for the version, so equal times mean equal rows.
        var (key, time) = (prng.NextInt32(4), prng.NextInt32(1, 6));
        var isDeleted = time % 3 == 0;
        var json = Encoding.UTF8.GetBytes(isDeleted ? $"{{\"id\":\"k{key}\"}}" : $"{{\"id\":\"k{key}\",\"v\":{time}}}");
        Assert.True(SyncedRow.TryCheck(schema, json, out var keyHash));
        store.Write(() => store.Tables!.Put("peer", new SyncedRowEntry(keyHash, time, isDeleted, null), json));
    }

    private static void PutUnversioned(MemoryArtifactStore store, string name, int version, long time)
    {
        var content = Encoding.UTF8.GetBytes($"{name} in version {version}");
        store.Write(() => store.Unversioned.Put(
            new UnversionedEntry(name, time, ArtifactHash.Compute(HashKind.Sha3, content), content.Length), content));
    }

    private static MemoryArtifactStore Random(Prng prng)
    {
        var store = SampleProject.Create("sx");
        for (var i = prng.NextInt32(3); i >= 0; i--)
            SampleProject.History(store, prng.NextInt32(prng.Chance(0.05) ? 150 : 10), (ulong)prng.NextInt32(5));
        if (prng.Chance(0.5)) SampleProject.Deltify(store);
        return store;
    }

    private static SyncReport Sync(
        MemoryArtifactStore client, MemoryArtifactStore server, ulong seed, SyncActions actions = SyncActions.Sync) =>
        new DirectExchange(server).Run(client, SampleProject.Options(actions), seed);

    private static void AssertEqual(MemoryArtifactStore one, MemoryArtifactStore two)
    {
        Assert.Equal(one.HeldIds(), two.HeldIds());
        Assert.Empty(one.State.Waiting);
        Assert.Empty(two.State.Waiting);
    }
}
