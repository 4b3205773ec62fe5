using EdgeSync.Node.Can;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Can;

/// <summary>Folders that are imported once, again, and while they change.</summary>
public sealed class ImportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new("can-import");

    public void Dispose() => _folder.Dispose();

    [Test]
    public async Task A_folder_that_is_imported_again_adds_what_has_changed()
    {
        await using var can = await CanTestService.StartAsync();
        using var client = new CanClient(can.Url(""), null);
        var file = Write("in/a.txt", "one", age: 10);
        Write("in/sub/b.txt", "two", age: 20);
        Write("in/.hidden", "no", age: 10);

        var first = await ImportAsync(client);
        var again = await ImportAsync(client);
        Assert.Equal([false, false], first.Select(f => f.AlreadyExisted));
        Assert.Equal([true, true], again.Select(f => f.AlreadyExisted));
        Assert.Equal(first.Select(f => f.Hash), again.Select(f => f.Hash));
        Assert.Equal(2, can.Store.Counts().Assets);

        Write("in/a.txt", "other", age: 5);
        Assert.Equal([false, true], (await ImportAsync(client)).Select(f => f.AlreadyExisted));
        Assert.Equal(3, can.Store.Counts().Assets);

        // Adding what lies in the trash brings it back; an import that goes on does not.
        var hash = first[1].Hash;
        await can.SendAsync(HttpMethod.Delete, $"{CanTestService.Prefix}/asset/{hash}");
        await ImportAsync(client, restoresTrashed: false);
        Assert.Equal(1, can.Store.Counts().Trashed);
        await ImportAsync(client);
        Assert.Equal(0, can.Store.Counts().Trashed);
        Assert.True(File.Exists(file));
    }

    [Test]
    public async Task A_file_that_is_being_written_is_left_for_later()
    {
        await using var can = await CanTestService.StartAsync();
        using var client = new CanClient(can.Url(""), null);
        Write("in/fresh.txt", "half", age: 0);
        Write("in/old.txt", "whole", age: 60);

        var import = new FolderImport(_folder["in"], client, new CanDetails(), TimeProvider.System);
        var imported = new List<ImportedFile>();
        var left = await import.ImportAsync(
            import.List(), TimeSpan.FromMinutes(1) / 2, false, imported.Add, CanTestService.Cancellation);

        Assert.Equal((1, 1), (left, imported.Count));
        Assert.Equal(5, imported[0].Size);
    }

    [Test]
    public async Task A_content_that_is_not_the_announced_one_is_not_stored()
    {
        await using var can = await CanTestService.StartAsync();
        (await can.IngestAsync([1], "a", ("timestamp", "5"), ("hash", new string('0', 64)))).Error(409);
        (await can.IngestAsync([1], "a", ("timestamp", "x"))).Error(400);
        (await can.IngestAsync([1], "a", ("timestamp", "99999999999999"))).Error(400);
        (await can.IngestAsync([1], "a", ("hash", "x"))).Error(400);

        Assert.Equal(0, can.Store.Counts().Assets);
        Assert.Empty(Directory.GetFiles(can.Root, ".*.tmp"));
        var stored = (await can.IngestAsync([1], "a", ("timestamp", "5"))).Data();
        Assert.Equal(5, stored.GetProperty("timestamp").GetInt64());
    }

    [Test]
    public async Task What_appears_is_imported_also_after_a_pause_of_the_service()
    {
        await using var can = await CanTestService.StartAsync();
        var port = new Uri(can.Url("")).Port;
        using var client = new CanClient(can.Url(""), null);
        Write("in/first.txt", "1", age: 60);
        var import = new FolderImport(_folder["in"], client, new CanDetails(), TimeProvider.System);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(CanTestService.Cancellation);
        var failures = System.Threading.Channels.Channel.CreateUnbounded<string>();
        var imported = System.Threading.Channels.Channel.CreateUnbounded<ImportedFile>();
        var watch = ImportWatch.RunAsync(
            _folder["in"], import, TimeProvider.System, f => imported.Writer.TryWrite(f),
            reason => failures.Writer.TryWrite(reason), stop.Token);

        Assert.EndsWith("first.txt", (await imported.Reader.ReadAsync(stop.Token)).File, StringComparison.Ordinal);
        await can.ReopenAsync(
            () =>
            {
                Write("in/second.txt", "2", age: 60);
                failures.Reader.ReadAsync(stop.Token).AsTask().GetAwaiter().GetResult();
            },
            s => s with { Port = port });
        Assert.EndsWith("second.txt", (await imported.Reader.ReadAsync(stop.Token)).File, StringComparison.Ordinal);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watch);
        Assert.Equal(2, can.Store.Counts().Assets);
    }

    private async Task<List<ImportedFile>> ImportAsync(CanClient client, bool restoresTrashed = true)
    {
        var import = new FolderImport(_folder["in"], client, new CanDetails(), TimeProvider.System);
        var imported = new List<ImportedFile>();
        var left = await import.ImportAsync(
            import.List(), TimeSpan.Zero, restoresTrashed, imported.Add, CanTestService.Cancellation);
        Assert.Equal(0, left);
        return imported;
    }

    // Seconds ago.
    private string Write(string name, string text, int age)
    {
        var file = _folder.Write(name, text);
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow - TimeSpan.FromSeconds(age));
        return file;
    }
}
