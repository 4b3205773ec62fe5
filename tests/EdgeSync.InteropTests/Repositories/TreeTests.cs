using System.Globalization;
using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>
/// Trees of files: odd names, executable bits, links, many files, large files; written by one side, read by the other.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class TreeTests
{
    private static readonly string[] OddNames =
    [
        "plain.txt", "with space.txt", "ünïcødé.txt", "日本語/ファイル.txt", "quote'd.txt", "quote\"d.txt", "a.b", "a-b",
            "a/b", "ab", "A", "percent%20.txt",
        "semi;colon&and$dollar.txt", "[brackets]{braces}.txt", "#hash", "-dash", "--double-dash.txt", ".hidden",
            "trailing.dot.", "deep/" + "d/d/d/d/d/d/d/d/d/d/" + "leaf",
        new string('n', 200) + ".txt", "e\u0301.txt",
    ];

    [Test]
    public void Stock_commits_odd_names_and_we_extract_them()
    {
        using var bench = new Workbench("tree");
        var repository = bench.NewRepository("r.fossil");
        var checkout = bench.Open(repository, "work");
        Fill(checkout);
        checkout.Commit("odd");

        bench.Ours.Run("repo", "co", "-R", repository, "-d", bench.Folder.Folder("out"));

        AssertSameTree(checkout.Folder, bench.Folder["out"]);
        var names = bench.Ours.Run("repo", "ls", "-R", repository).Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            checkout.Run("ls").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            names.Order(StringComparer.Ordinal));
    }

    [Test]
    public void We_commit_odd_names_and_stock_opens_them()
    {
        using var bench = new Workbench("tree");
        var repository = bench.NewRepository("r.fossil");
        var source = new StockCheckout(bench.Stock, bench.Folder.Folder("source"));
        Fill(source);

        bench.Ours.RunIn(
            source.Folder,
            [
                "repo", "ci", "-R", repository, "-m", "odd, by us", "--user", "tester",
                .. Names(source.Folder).Select(name => "./" + name)]);

        var checkout = bench.Open(repository, "work");
        AssertSameTree(source.Folder, checkout.Folder);
        Assert.DoesNotContain("EDITED", checkout.Run("changes", "--hash").Output, StringComparison.Ordinal);
        bench.MustBeSound(repository);

        // And stock goes on from there: its own checks of the tree (R card) pass.
        checkout.Write("plain.txt", "changed by stock\n").Commit("on top");
        source.Write("ab", "no longer empty\n");
        bench.Ours.RunIn(
            source.Folder, "repo", "ci", "-R", repository, "-m", "again by us", "--user", "tester", "./ab");
        bench.MustBeSound(repository);
    }

    /// <summary>Such a link cannot be made, and nothing else is written either (S13).</summary>
    [Test]
    [Arguments("a\0b")]
    [Arguments("")]
    public void A_link_target_that_no_link_can_have_is_refused(string target)
    {
        using var bench = new Workbench("tree");
        var path = bench.NewRepository("r.fossil");
        bench.Ours.Run("repo", "config", "set", "allow-symlinks", "on", "-R", path);
        using (var repository = EdgeSync.Storage.Repository.Open(path))
        using (var transaction = repository.Begin())
        {
            var (plain, link) = ("text\n"u8.ToArray(), Encoding.UTF8.GetBytes(target));
            foreach (var content in new[] { plain, link }) repository.Content.Put(content, isPrivate: false);
            repository.Content.Put(
                Mutation.Sealed(Encoding.ASCII.GetBytes(
                    $"C link\nD 2030-05-05T05:05:05.000\nF a.txt {XferMessage.HashOf(plain)}\nF link "
                        + $"{XferMessage.HashOf(link)} l\nT *branch * trunk\nT *sym-trunk *\nU tester\n")),
                isPrivate: false);
            transaction.Commit();
        }

        var refused = bench.Ours.Try("repo", "co", "-R", path, "-d", bench.Folder.Folder("out"));

        Assert.Equal(8, refused.ExitCode);
        Assert.Contains("link", refused.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(bench.Folder["out"]));
    }

    [Test]
    public void A_thousand_files_and_a_large_one_travel()
    {
        using var bench = new Workbench("large");
        var repository = bench.NewRepository("r.fossil");
        var checkout = bench.Open(repository, "work");
        for (var i = 0; i < 1000; i++)
            checkout.Write(
                string.Create(CultureInfo.InvariantCulture, $"d{i % 30}/f{i}.txt"),
                string.Create(CultureInfo.InvariantCulture, $"file {i}\n"));
        var prng = new Prng(50);
        var noise = prng.NextBytes(8_000_000);
        checkout.Write("noise.bin", noise);
        checkout.Commit("large");
        // An edit in the middle: what travels is a delta of 8 MB.
        prng.NextBytes(1000).CopyTo(noise, 4_000_000);
        checkout.Write("noise.bin", noise).Commit("edited");

        using (var server = bench.Ours.Serve(repository)) bench.Stock.Run("clone", server.Url, bench["stock.fossil"]);
        using (var server = bench.Stock.Serve(repository))
            bench.Ours.Run("repo", "clone", server.Url, bench["ours.fossil"]);

        RepositoryComparer.MustBeEqual(repository, bench["stock.fossil"], "unclustered");
        RepositoryComparer.MustBeEqual(repository, bench["ours.fossil"], "unclustered");
        bench.Stock.MustBeIntact(bench["stock.fossil"]);
        bench.Stock.MustBeIntact(bench["ours.fossil"]);
        var ours = bench.Ours.Run("repo", "cat", XferMessage.HashOf(noise), "-R", bench["ours.fossil"]).OutputBytes;
        Assert.True(noise.AsSpan().SequenceEqual(ours));
    }

    [Test]
    public void A_large_file_is_pushed_to_us_and_by_us()
    {
        using var bench = new Workbench("large");
        var origin = bench.NewRepository("origin.fossil");
        File.Copy(origin, bench["there.fossil"]);
        File.Copy(origin, bench["theirs.fossil"]);
        var noise = new Prng(51).NextBytes(8_000_000);
        bench.Open(bench["there.fossil"], "work").Write("noise.bin", noise).Commit("large");

        using (var server = bench.Ours.Serve(origin))
            bench.Stock.Run(
                "push", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "--once", "-R",
                bench["there.fossil"]);
        using (var server = bench.Stock.Serve(bench["theirs.fossil"]))
            bench.Ours.Run(
                "repo", "push", server.UrlFor(GeneratedHistory.Login, GeneratedHistory.Password), "-R", origin);

        RepositoryComparer.MustHoldSameArtifacts(bench["there.fossil"], origin);
        RepositoryComparer.MustHoldSameArtifacts(bench["there.fossil"], bench["theirs.fossil"]);
        bench.MustBeSound(origin);
    }

    private static void Fill(StockCheckout checkout)
    {
        foreach (var name in OddNames.Where(name => name != "ab")) checkout.Write(name, $"content of {name}\n");
        checkout.Write("ab", "");
        checkout.Write("binary.bin", new Prng(1).NextBytes(3000));
        checkout.Write("run.sh", "#!/bin/sh\n");
        File.SetUnixFileMode(
            checkout["run.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(checkout["link"], "plain.txt");
        File.CreateSymbolicLink(checkout["dangling"], "no/such/file");
    }

    private static IEnumerable<string> Names(string folder) =>
        new DirectoryInfo(folder).EnumerateFileSystemInfos(
            "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .Where(entry => entry.LinkTarget is not null || !entry.Attributes.HasFlag(FileAttributes.Directory))
            .Select(entry => Path.GetRelativePath(folder, entry.FullName).Replace('\\', '/'))
            .Where(name => name is not (".fslckout" or ".fslckout-journal"));

    private static void AssertSameTree(string expected, string actual)
    {
        static string Describe(string folder)
        {
            var text = new StringBuilder();
            foreach (var name in Names(folder).Order(StringComparer.Ordinal))
            {
                var entry = new FileInfo(Path.Combine(folder, name));
                text.Append(name).Append(" : ");
                if (entry.LinkTarget is { } target) text.Append("link to ").Append(target);
                else
                    text.Append(entry.UnixFileMode.HasFlag(UnixFileMode.UserExecute) ? "x " : "- ")
                        .Append(XferMessage.HashOf(File.ReadAllBytes(entry.FullName)));
                text.Append('\n');
            }

            return text.ToString();
        }

        Assert.Equal(Describe(expected), Describe(actual));
    }
}
