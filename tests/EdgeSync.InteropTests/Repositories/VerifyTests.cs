using System.Text.RegularExpressions;
using EdgeSync.InteropTests.Support;
using EdgeSync.Storage;
using EdgeSync.Storage.Verification;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Both programs agree on whether a repository is sound, and on how much of it is not.</summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed partial class VerifyTests(GeneratedHistory history)
{
    [Test]
    [Arguments("kinds")]
    [Arguments("kinds-sha1")]
    [Arguments("history")]
    public void What_stock_made_is_sound_down_to_its_derived_rows(string name)
    {
        using var bench = new Workbench("verify");
        var path = history.CopyOf(name, bench.Folder, "stock.fossil");

        var report = Verify(path, comparesDerived: true);

        Assert.True(report.IsSound, string.Join("\n", report.Issues));
        Assert.True(report.DerivedCompared);
        Assert.Equal((0, report.CheckedCount), JudgementOf(bench, path));
    }

    [Test]
    public void Damage_is_counted_as_stock_counts_it() => Property.Check(prng =>
    {
        using var bench = new Workbench("verify");
        var path = history.CopyOf("kinds", bench.Folder, "stock.fossil");
        using (var file = new SqliteFile(path, writable: true))
        {
            // Texts that nothing is made from, so that each damage stands alone.
            var leaves = file.Query("SELECT rid FROM blob WHERE size>0 AND rid NOT IN (SELECT srcid FROM delta)")
                .Select(row => (long)row[0]!).ToArray();
            prng.Shuffle<long>(leaves);
            file.Execute($"UPDATE blob SET size=size+1 WHERE rid IN ({leaves[0]},{leaves[1]})");
            file.Execute(
                $"UPDATE blob SET uuid='0000'||substr(uuid,5) WHERE rid IN ({leaves[2]},{leaves[3]},{leaves[4]})");
        }

        var report = Verify(path, comparesDerived: false);

        Assert.Equal(2, report.Issues.Count(issue => issue.Kind == VerifyIssueKind.WrongSize));
        Assert.Equal(3, report.Issues.Count(issue => issue.Kind == VerifyIssueKind.WrongHash));
        Assert.Equal(report.ErrorCount, JudgementOf(bench, path).Errors);
    }, runs: 5);

    [Test]
    public void A_repair_leaves_what_stocks_rebuild_derives() => Property.Check(prng =>
    {
        using var bench = new Workbench("repair");
        var path = history.CopyOf("kinds", bench.Folder, "stock.fossil");
        using (var file = new SqliteFile(path, writable: true))
        {
            foreach (var table in (string[])["event", "mlink", "plink", "tagxref", "leaf"])
                if (prng.NextInt32(0, 2) == 0)
                    file.Execute($"DELETE FROM {table} WHERE rowid%{prng.NextInt32(2, 9)}=1");
            var leaves = file.Query(
                "SELECT rid FROM blob WHERE size>4 AND rid NOT IN (SELECT srcid FROM delta) ORDER BY rid").ToList();
            var damaged = leaves[prng.NextInt32(0, leaves.Count)][0];
            file.Execute($"UPDATE blob SET content=substr(content,1,length(content)-3) WHERE rid={damaged}");
        }

        bench.Ours.Run("repo", "verify", "--repair", "-R", path);

        bench.MustBeSound(path);
    }, runs: 3);

    /// <summary>
    /// Stock is content with these, and no rebuild changes them, so they are remarks and no damage (R11).
    /// </summary>
    [Test]
    public void What_is_shunned_but_not_purged_and_a_file_named_as_parent_are_remarks()
    {
        using var bench = new Workbench("verify");
        var path = history.CopyOf("kinds", bench.Folder, "stock.fossil");
        string file, checkIn;
        using (var database = new SqliteFile(path))
        {
            file = (string)database.Scalar(
                "SELECT uuid FROM blob WHERE rid=(SELECT max(fid) FROM mlink WHERE fid IN (SELECT rid FROM blob WHERE "
                    + "size>=0) AND fid NOT IN (SELECT objid FROM event))")!;
            checkIn = (string)database.Scalar(
                "SELECT uuid FROM blob JOIN event ON objid=rid WHERE type='ci' AND rid IN (SELECT rid FROM leaf) ORDER "
                    + "BY rid DESC")!;
        }

        using (var repository = Repository.Open(path, RepositoryOptions.Default))
        using (var transaction = repository.Begin())
        {
            var child = Mutation.Sealed(
                System.Text.Encoding.ASCII.GetBytes(
                    $"C odd\nD 2024-05-05T05:05:05.000\nP {file}\nT *branch * odd\nT *sym-odd *\nU tester\n"));
            repository.Content.Put(child, isPrivate: false);
            transaction.Commit();
        }

        bench.Stock.Run("rebuild", path);
        bench.Ours.Run("repo", "shun", checkIn, "-R", path);

        var report = Verify(path, comparesDerived: true);

        Assert.True(report.IsSound && report.DerivedCompared, string.Join("\n", report.Issues));
        Assert.Contains(
            report.Issues, issue => issue.Kind == VerifyIssueKind.NamedAsArtifact && issue.Id.ToString() == file);
        Assert.Contains(
            report.Issues, issue => issue.Kind == VerifyIssueKind.Shunned && issue.Id.ToString() == checkIn);
        bench.Ours.Run("repo", "purge", "-R", path);
        Assert.DoesNotContain(
            Verify(path, comparesDerived: true).Issues, issue => issue.Kind == VerifyIssueKind.Shunned);
    }

    private static VerifyReport Verify(string path, bool comparesDerived)
    {
        using var repository = Repository.Open(path, RepositoryOptions.ReadOnly);
        return Verifier.Run(
            repository, new VerifyOptions { ComparesDerived = comparesDerived },
            TestContext.Current!.Execution.CancellationToken);
    }

    private static (int Errors, int Checked) JudgementOf(Workbench bench, string path)
    {
        var text = bench.Stock.Run("test-integrity", "-R", path).Text;
        var match = Judgement().Match(text);
        Assert.True(match.Success, text);
        return (
            int.Parse(match.Groups[2].ValueSpan, System.Globalization.CultureInfo.InvariantCulture),
            int.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"(\d+) non-phantom blobs .* checked:\s+(\d+) errors")]
    private static partial Regex Judgement();
}
