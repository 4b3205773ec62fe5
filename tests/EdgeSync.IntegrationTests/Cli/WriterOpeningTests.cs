using EdgeSync.Node.Logging;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>What a server makes of a repository that does not open at once.</summary>
public sealed class WriterOpeningTests : IDisposable
{
    private const int IoError = 10;
    private const int CannotOpen = 14;
    private const int ReadOnly = 8;

    private readonly TemporaryFolder _folder = new("opening");
    private readonly StringWriter _lines = new();

    public WriterOpeningTests() => Repository.Create(_folder["a.fossil"], new RepositoryCreateOptions { AdminUser = "tester" }).Dispose();

    [Test]
    [Arguments(IoError)]
    [Arguments(IoError | (1 << 8))]
    [Arguments(CannotOpen)]
    public async Task A_disk_that_fails_once_leaves_it_writable(int code)
    {
        var failures = 1;
        await using var writer = await OpenAsync(options => options.Access != DatabaseAccess.Read && failures-- > 0 ? code : 0);

        Assert.False(await writer.RunAsync(repository => repository.IsReadOnly, TestContext.Current!.Execution.CancellationToken));
        Assert.Equal(code != CannotOpen, _lines.ToString().Contains("ERROR", StringComparison.Ordinal));
    }

    [Test]
    public async Task A_disk_that_keeps_failing_is_an_error_and_not_a_read_only_repository()
    {
        var failure = await Assert.ThrowsAsync<SqliteException>(() => OpenAsync(options => options.Access != DatabaseAccess.Read ? IoError : 0));

        Assert.Equal(IoError, failure.ResultCode);
    }

    [Test]
    [Arguments(ReadOnly)]
    [Arguments(CannotOpen)]
    public async Task What_cannot_be_written_is_served_to_readers(int code)
    {
        await using var writer = await OpenAsync(options => options.Access != DatabaseAccess.Read ? code : 0);

        Assert.True(await writer.RunAsync(repository => repository.IsReadOnly, TestContext.Current!.Execution.CancellationToken));
    }

    public void Dispose() => _folder.Dispose();

    private Task<RepositoryQueue> OpenAsync(Func<RepositoryOptions, int> faultOf) =>
        new WriterOpening(_folder["a.fossil"], TimeProvider.System, new ServeLog(_lines, TimeProvider.System, new LogSettings(LogStyle.Text, LogLevel.Info))).OpenAsync(
            (path, options) => faultOf(options) is not 0 and var code
                ? throw new SqliteException(ErrorKind.System, "the disk fails", null, code)
                : RepositoryQueue.Open(path, options),
            TestContext.Current!.Execution.CancellationToken);
}
