using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage;

public sealed class UnversionedStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("uv");

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Content_reads_back_and_deletions_are_kept()
    {
        using var repository = Repository.Create(":memory:", new RepositoryCreateOptions());
        var files = repository.Unversioned;
        Assert.Empty(files.List());
        Assert.False(files.TryGet("a", out _));

        files.Put("a/b.txt", "hello"u8, 1000);
        files.Put("zeros.bin", new byte[10_000], 2000);

        Assert.True(files.TryGet("a/b.txt", out var text));
        Assert.Equal("hello"u8.ToArray(), text);
        Assert.True(files.TryGet("zeros.bin", out var zeros));
        Assert.Equal(new byte[10_000], zeros);
        Assert.True(files.Delete("a/b.txt"));
        Assert.False(files.Delete("a/b.txt"));
        Assert.False(files.TryGet("a/b.txt", out _));
        Assert.True(files.TryFind("a/b.txt", out var gone) && gone.IsDeletion);
        Assert.Equal(2, files.List().Count);
    }

    [Test]
    public void The_catalogue_hash_is_that_of_the_specification()
    {
        using var repository = Repository.Create(":memory:", new RepositoryCreateOptions());
        Assert.Equal("da39a3ee5e6b4b0d3255bfef95601890afd80709", repository.Unversioned.CatalogHash);

        var mtime = new DateTimeOffset(2026, 11, 22, 1, 5, 38, TimeSpan.Zero).ToUnixTimeSeconds();
        var hash = ArtifactId.Parse("34d4f12a70a8b473bf11080f95b4bb466b5e3f426a271d0c6aed162c1aeb19ea");
        using (var transaction = repository.Begin())
        {
            repository.Unversioned.Put(new("dir/zeros.bin", mtime, hash, 3), [0, 0, 0]);
            transaction.Commit();
        }

        Assert.Equal("1ef76b1df9df009658cdcdce0f70d888923e55bf", repository.Unversioned.CatalogHash);
        repository.Unversioned.Touch("dir/zeros.bin", mtime + 1);
        Assert.NotEqual("1ef76b1df9df009658cdcdce0f70d888923e55bf", repository.Unversioned.CatalogHash);
    }

    [Test]
    [Arguments("")]
    [Arguments("/etc/passwd")]
    [Arguments("../x")]
    [Arguments("a//b")]
    [Arguments("a b")]
    [Arguments("a\\b")]
    [Arguments("./a")]
    public void Names_that_could_leave_their_folder_are_refused(string name)
    {
        using var repository = Repository.Create(":memory:", new RepositoryCreateOptions());

        Assert.Equal(
            ErrorKind.Usage, Assert.Throws<EdgeSyncException>(() => repository.Unversioned.Put(name, "x"u8)).Kind);
    }

    [Test]
    public void Stock_reads_our_files_and_we_read_stocks()
    {
        StockFossil.SkipWhenMissing();
        var stock = new StockFossil(_folder);
        var path = _folder["r.fossil"];
        Repository.Create(path, new RepositoryCreateOptions { AdminUser = StockFossil.User }).Dispose();
        using (var repository = Repository.Open(path))
        {
            repository.Unversioned.Put("ours.txt", "made here\n"u8);
            repository.Unversioned.Put("zeros.bin", new byte[5000]);
            repository.Unversioned.Put("gone.txt", "x"u8);
            repository.Unversioned.Delete("gone.txt");
        }

        Assert.Equal("made here\n", stock.Run("uv", "cat", "-R", path, "ours.txt").Text);
        stock.Run("uv", "add", "-R", path, _folder.Write("theirs.txt", "made there\n"), "--as", "theirs.txt");
        var hash = stock.Run("uv", "hash", "-R", path).Text;

        using var again = Repository.Open(path);
        Assert.True(again.Unversioned.TryGet("theirs.txt", out var theirs));
        Assert.Equal("made there\n"u8.ToArray(), theirs);
        Assert.Contains(again.Unversioned.CatalogHash, hash, StringComparison.Ordinal);
        Assert.Equal(["ours.txt", "theirs.txt", "zeros.bin"],
            again.Unversioned.List().Where(file => !file.IsDeletion).Select(file => file.Name));
    }
}
