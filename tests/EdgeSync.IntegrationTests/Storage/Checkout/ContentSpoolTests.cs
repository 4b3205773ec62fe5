using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Storage.Checkout;

public sealed class ContentSpoolTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("spool");

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Contents_come_back_whether_they_fit_into_memory_or_not()
    {
        var prng = new Prng(5);
        var contents = Enumerable.Range(0, 20).Select(i => prng.NextBytes(i * 500)).ToList();
        using var spool = new ContentSpool(_folder["p.fossil"], memoryBytesMax: 10_000);

        var kept = contents.ConvertAll(content => spool.Keep(new MemoryStream(content)));

        for (var i = contents.Count - 1; i >= 0; i--) Assert.Equal(contents[i], kept[i]().ToArray());
        Assert.Equal(contents[19], kept[19]().ToArray());
    }

    [Test]
    public void Nothing_is_left_beside_the_repository()
    {
        using var spool = new ContentSpool(_folder["p.fossil"], memoryBytesMax: 10);

        var kept = spool.Keep(new MemoryStream(new byte[100_000]));

        Assert.Equal(100_000, kept().Length);
        if (!OperatingSystem.IsWindows()) Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }
}
