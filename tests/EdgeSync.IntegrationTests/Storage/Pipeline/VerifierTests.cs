using System.Text;
using EdgeSync.Fossil.Blobs;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Crosslink.Rebuild;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Storage.Verification;

namespace EdgeSync.IntegrationTests.Storage.Pipeline;

public sealed class VerifierTests
{
    private static CancellationToken Token => TestContext.Current!.Execution.CancellationToken;

    private static VerifyReport Verify(StoredBlobs blobs, int workers = 2)
    {
        using var repository = Repository.Open(blobs.Path, RepositoryOptions.ReadOnly);
        return Verifier.Run(repository, new VerifyOptions { WorkersMax = workers, ComparesDerived = false }, Token);
    }

    private static IEnumerable<(VerifyIssueKind Kind, long Rid)> Errors(VerifyReport report) =>
        report.Issues.Where(issue => !issue.IsNote).Select(issue => (issue.Kind, issue.Rid.Value));

    [Test]
    [Arguments(0)]
    [Arguments(3)]
    public void A_sound_repository_has_no_issues(int workers)
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(new Prng(1), 200);
        blobs.Commit();

        var report = Verify(blobs, workers);

        Assert.Empty(report.Issues);
        Assert.True(report.IsSound);
        Assert.Equal(200 + blobs.CreatedCount, report.CheckedCount);
        Assert.Equal(report.CheckedCount, report.SoundCount);
        Assert.Equal(1, report.StructuralCount);
    }

    [Test]
    public void All_sorts_of_issues_are_found_in_one_run()
    {
        using var blobs = new StoredBlobs();
        var prng = new Prng(2);
        byte[] Fresh() => prng.NextBytes(300);
        RecordId Child(RecordId source) => blobs.AddDelta(StoredBlobs.Edited(prng, blobs.Text(source)), source);
        var expected = new List<(VerifyIssueKind Kind, long Rid)>();
        void Expect(VerifyIssueKind kind, RecordId rid) => expected.Add((kind, rid.Value));

        var damaged = blobs.AddFull(Fresh());
        Expect(VerifyIssueKind.SourceDamaged, Child(damaged));
        blobs.Store(damaged, [0, 0, 0, 200, 1, 2, 3, 4, 5]);
        Expect(VerifyIssueKind.NotInflatable, damaged);
        var empty = blobs.AddFull(Fresh());
        blobs.Run("UPDATE blob SET content=NULL WHERE rid=?1", empty);
        Expect(VerifyIssueKind.ContentMissing, empty);
        var sound = blobs.AddFull(Fresh());
        var badDelta = Child(sound);
        blobs.Store(badDelta, BlobCodec.Encode(Deflater.OfThisThread, "no delta"u8));
        Expect(VerifyIssueKind.BadDelta, badDelta);
        var lost = Child(sound);
        blobs.SetSource(lost, new RecordId(999_999));
        Expect(VerifyIssueKind.SourceMissing, lost);
        var loop = blobs.AddFull(Fresh());
        blobs.SetSource(loop, loop);
        Expect(VerifyIssueKind.DeltaLoop, loop);
        var wrong = blobs.AddFull(Fresh());
        blobs.Run("UPDATE blob SET uuid='00'||substr(uuid,3) WHERE rid=?1", wrong);
        Expect(VerifyIssueKind.WrongHash, wrong);
        var nameless = blobs.AddFull(Fresh());
        blobs.Run("UPDATE blob SET uuid=uuid||'0' WHERE rid=?1", nameless);
        Expect(VerifyIssueKind.BadName, nameless);
        var missized = blobs.AddFull(Fresh());
        blobs.Run("UPDATE blob SET size=7 WHERE rid=?1", missized);
        Expect(VerifyIssueKind.WrongSize, missized);
        var secret = blobs.AddFull(Fresh());
        blobs.Run("INSERT INTO private VALUES(?1)", secret);
        Expect(VerifyIssueKind.PublicRestsOnPrivate, Child(secret));
        var forgotten = blobs.AddPhantom(Fresh());
        blobs.Run("DELETE FROM phantom WHERE rid=?1", forgotten);
        Expect(VerifyIssueKind.PhantomListWrong, forgotten);
        var file = blobs.AddFull(Fresh());
        blobs.Run("INSERT INTO leaf VALUES(?1)", file);
        Expect(VerifyIssueKind.NotAnArtifact, file);
        blobs.Run("INSERT INTO unclustered VALUES(?1)", new RecordId(777_777));
        Expect(VerifyIssueKind.OrphanRows, new RecordId(777_777));
        blobs.Run("INSERT INTO event(type,mtime,objid) VALUES('ci',1,?1)", new RecordId(888_888));
        Expect(VerifyIssueKind.OrphanRows, new RecordId(888_888));
        var phantom = blobs.AddPhantom(Fresh());
        var waiting = Child(phantom);
        blobs.Commit();

        var report = Verify(blobs);

        Assert.Equal(expected.Order(), Errors(report).Order());
        Assert.Equal(
            [
                (VerifyIssueKind.Phantom, forgotten.Value), (VerifyIssueKind.Phantom, phantom.Value),
                (VerifyIssueKind.WaitsForPhantom, waiting.Value)],
            report.Issues.Where(issue => issue.IsNote).Select(issue => (issue.Kind, issue.Rid.Value)));
        Assert.All(report.Issues, issue => Assert.NotEmpty(issue.Text));
        Assert.All(report.Issues, issue => Assert.NotEmpty(issue.Hint));
        Assert.False(report.IsSound);
    }

    [Test]
    public void A_file_with_damaged_pages_gives_a_report()
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(new Prng(3), 600);
        blobs.Commit();
        blobs.Database.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        using (var file = File.OpenWrite(blobs.Path))
        {
            var rubbish = new Prng(4).NextBytes(4096);
            for (var page = file.Length / 8192; page < file.Length / 4096; page += 7)
            {
                file.Position = page * 4096;
                file.Write(rubbish);
            }
        }

        var report = Verify(blobs);

        Assert.Contains(report.Issues, issue => issue.Kind == VerifyIssueKind.DatabaseDamaged);
        Assert.False(report.IsSound);
    }

    [Test]
    public void Repair_gives_up_what_is_damaged_and_nothing_else()
    {
        using var blobs = new StoredBlobs();
        var prng = new Prng(5);
        var damaged = blobs.AddFull(prng.NextBytes(300));
        var child = blobs.AddDelta(StoredBlobs.Edited(prng, blobs.Text(damaged)), damaged);
        var damagedText = blobs.Text(damaged);
        blobs.Store(damaged, [0, 0, 0, 200, 1, 2, 3, 4, 5]);
        var wrong = blobs.AddFull(prng.NextBytes(300));
        var rescued = blobs.AddDelta(StoredBlobs.Edited(prng, blobs.Text(wrong)), wrong);
        blobs.Run("UPDATE blob SET uuid='00'||substr(uuid,3) WHERE rid=?1", wrong);
        var missized = blobs.AddFull(prng.NextBytes(300));
        blobs.Run("UPDATE blob SET size=7 WHERE rid=?1", missized);
        var secret = blobs.AddFull(prng.NextBytes(300));
        var opened = blobs.AddDelta(StoredBlobs.Edited(prng, blobs.Text(secret)), secret);
        blobs.Run("INSERT INTO private VALUES(?1)", secret);
        blobs.Run("INSERT INTO unclustered VALUES(?1)", new RecordId(777_777));
        blobs.Commit();
        using var repository = Repository.Open(blobs.Path);
        var options = new VerifyOptions { ComparesDerived = false };

        var result = RepositoryRepair.Run(repository, Verifier.Run(repository, options, Token));

        Assert.Equal((2, 2, 1), (result.EmptiedCount, result.RescuedCount, result.SizesCorrected));
        Assert.True(result.NeedsRebuild);
        var report = Verifier.Run(repository, options, Token);
        Assert.True(report.IsSound);
        Assert.Equal([damaged, wrong], report.Issues.Where(i => i.Kind == VerifyIssueKind.Phantom).Select(i => i.Rid));
        Assert.Equal([child], report.Issues.Where(i => i.Kind == VerifyIssueKind.WaitsForPhantom).Select(i => i.Rid));
        using (var text = repository.Content.Get(rescued)) Assert.Equal(blobs.Text(rescued), text.Span);
        using (var text = repository.Content.Get(opened)) Assert.Equal(blobs.Text(opened), text.Span);

        // The damaged artifact comes again, and what rested on it is readable again.
        using (var transaction = repository.Begin())
        {
            var id = repository.Content.NameOf(damaged);
            Assert.Equal(PutOutcome.Stored, repository.Content.PutText(id, damagedText, isPrivate: false, out var rid));
            Assert.Equal(damaged, rid);
            transaction.Commit();
        }

        using (var text = repository.Content.Get(child)) Assert.Equal(blobs.Text(child), text.Span);
    }

    [Test]
    public void Derived_rows_that_differ_from_the_artifacts_are_found()
    {
        using var blobs = new StoredBlobs();
        blobs.Database.Execute(
            """
            UPDATE event SET comment='something else';
            DELETE FROM leaf;
            INSERT INTO plink(pid,cid,isprim,mtime) VALUES(1,1,1,2460000.5);
            """);
        blobs.Commit();
        using var repository = Repository.Open(blobs.Path, RepositoryOptions.ReadOnly);
        var before = File.ReadAllBytes(blobs.Path);

        var report = Verifier.Run(repository, new VerifyOptions(), Token);

        Assert.True(report.DerivedCompared);
        Assert.Equal(3, report.Issues.Count);
        Assert.All(report.Issues, issue => Assert.Equal(VerifyIssueKind.DerivedRowsDiffer, issue.Kind));
        Assert.Contains(
            report.Issues, issue => issue.Text.Contains("table event ", StringComparison.Ordinal)
            && issue.Text.Contains("1 rows missing, 1 extra", StringComparison.Ordinal));
        Assert.Contains(report.Issues, issue => issue.Text.Contains("table leaf ", StringComparison.Ordinal));
        Assert.Contains(report.Issues, issue => issue.Text.Contains("table plink ", StringComparison.Ordinal));
        Assert.Equal(before, File.ReadAllBytes(blobs.Path));
    }

    [Test]
    [Arguments(0)]
    [Arguments(2)]
    public void A_sound_repository_derives_what_it_has(int workers)
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(new Prng(8), 300);
        blobs.Commit();
        using var repository = Repository.Open(blobs.Path, RepositoryOptions.ReadOnly);

        var report = Verifier.Run(repository, new VerifyOptions { WorkersMax = workers }, Token);

        Assert.Empty(report.Issues);
        Assert.True(report.DerivedCompared);
        Assert.Equal((300 + blobs.CreatedCount, 1), (report.SoundCount, report.StructuralCount));
    }

    // What the end of a clone does with what the server sent damaged.
    [Test]
    public void Rebuild_makes_phantoms_of_damaged_artifacts_on_request()
    {
        using var blobs = new StoredBlobs();
        var prng = new Prng(9);
        var damaged = blobs.AddFull(prng.NextBytes(300));
        var child = blobs.AddDelta(StoredBlobs.Edited(prng, blobs.Text(damaged)), damaged);
        blobs.Store(damaged, [0, 0, 0, 200, 1, 2, 3, 4, 5]);
        var wrong = blobs.AddFull(prng.NextBytes(300));
        var rescued = blobs.AddDelta(StoredBlobs.Edited(prng, blobs.Text(wrong)), wrong);
        blobs.Run("UPDATE blob SET uuid='00'||substr(uuid,3) WHERE rid=?1", wrong);
        blobs.Commit();
        using var repository = Repository.Open(blobs.Path);

        var result = Rebuilder.Run(repository, new RebuildOptions { VerifiesHashes = true }, Token);

        Assert.Equal(3, result.Damages.Count);
        var report = Verifier.Run(repository, new VerifyOptions(), Token);
        Assert.True(report.IsSound);
        Assert.Equal([damaged, wrong], report.Issues.Where(i => i.Kind == VerifyIssueKind.Phantom).Select(i => i.Rid));
        Assert.Equal([child], report.Issues.Where(i => i.Kind == VerifyIssueKind.WaitsForPhantom).Select(i => i.Rid));
        using var text = repository.Content.Get(rescued);
        Assert.Equal(blobs.Text(rescued), text.Span);
    }

    [Test]
    public void A_waiting_delta_is_reported_with_its_source()
    {
        var (source, target) = (new string('s', 300), new string('s', 300) + "and more");
        var (sourceId, targetId) = (NameOf(source), NameOf(target));
        using var repository = Repository.Create(
            Database.InMemory, new RepositoryCreateOptions { Entropy = new SeededEntropy(1) });
        using (var transaction = repository.Begin())
        {
            var delta = DeltaEncoder.Encode(Encoding.ASCII.GetBytes(source), Encoding.ASCII.GetBytes(target));
            Assert.Equal(
                PutOutcome.Pending, repository.Content.PutDelta(targetId, sourceId, delta, isPrivate: false, out _));
            transaction.Commit();
        }

        var report = Verifier.Run(repository, new VerifyOptions { ComparesDerived = false, WorkersMax = 0 }, Token);

        Assert.True(report.IsSound);
        var waiting = Assert.Single(report.Issues, issue => issue.Kind == VerifyIssueKind.WaitsForPhantom);
        Assert.Equal(targetId, waiting.Id);
        Assert.Contains(sourceId.ToString(), waiting.Text, StringComparison.Ordinal);
        Assert.Equal(sourceId, Assert.Single(report.Issues, issue => issue.Kind == VerifyIssueKind.Phantom).Id);

        static ArtifactId NameOf(string text) => ArtifactHash.Compute(HashKind.Sha3, Encoding.ASCII.GetBytes(text));
    }

    [Test]
    public void Progress_reaches_the_end_of_each_stage()
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(new Prng(6), 600);
        blobs.Commit();
        using var repository = Repository.Open(blobs.Path, RepositoryOptions.ReadOnly);
        var last = new Dictionary<VerifyStage, VerifyProgress>();

        Verifier.Run(
            repository,
            new VerifyOptions { ComparesDerived = false, Progress = progress => last[progress.Stage] = progress },
            Token);

        Assert.Equal(600 + blobs.CreatedCount, last[VerifyStage.Content].DoneCount);
        Assert.All(last.Values, progress => Assert.Equal(progress.TotalCount, progress.DoneCount));
    }

    [Test]
    public void Cancelling_ends_the_verification()
    {
        using var blobs = new StoredBlobs();
        blobs.AddRandomForest(new Prng(7), 600);
        blobs.Commit();
        using var repository = Repository.Open(blobs.Path, RepositoryOptions.ReadOnly);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);

        Assert.Throws<OperationCanceledException>(() => Verifier.Run(
            repository, new VerifyOptions { Progress = _ => source.Cancel() }, source.Token));
    }
}
