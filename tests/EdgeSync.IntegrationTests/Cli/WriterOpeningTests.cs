using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Net.Http;
using EdgeSync.Node.Logging;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Web;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Sqlite;
using EdgeSync.Tests.Support;
using Microsoft.Extensions.Logging;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>What a server makes of a repository that does not open at once.</summary>
public sealed class WriterOpeningTests : IDisposable
{
    private const int IoError = 10;
    private const int CannotOpen = 14;
    private const int Full = 13;
    private const int ReadOnly = 8;

    private readonly TemporaryFolder _folder = new("opening");
    private readonly StringWriter _lines = new();

    public WriterOpeningTests() =>
        Repository.Create(_folder["a.fossil"], new RepositoryCreateOptions { AdminUser = "tester" }).Dispose();

    [Test]
    [Arguments(IoError)]
    [Arguments(IoError | (1 << 8))]
    [Arguments(CannotOpen)]
    [Arguments(Full)]
    public async Task A_disk_that_fails_once_leaves_it_writable(int code)
    {
        var failures = 1;
        await using var writer = await OpenAsync(
            options => options.Access != DatabaseAccess.Read && failures-- > 0 ? code : 0);

        Assert.False(
            await writer.RunAsync(
                repository => repository.IsReadOnly, TestContext.Current!.Execution.CancellationToken));
        Assert.Equal(
            (code & 0xff) == IoError,
            _lines.ToString().Contains("\"event\":\"repository.failed\"", StringComparison.Ordinal));
    }

    [Test]
    public async Task A_disk_that_keeps_failing_is_an_error_and_not_a_read_only_repository()
    {
        var failure = await Assert.ThrowsAsync<SqliteException>(
            () => OpenAsync(options => options.Access != DatabaseAccess.Read ? IoError : 0));

        Assert.Equal(IoError, failure.ResultCode);
    }

    // Such as a disk that fills up and is cleared: no restart is needed.
    [Test]
    [Arguments(CannotOpen)]
    [Arguments(Full)]
    public async Task A_repository_on_a_failing_disk_is_readable_and_recovers_with_the_disk(int code)
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        var isWell = false;
        await using var writer = await OpenAsync(
            options => options.Access != DatabaseAccess.Read && !isWell ? code : 0);

        Assert.True(await writer.RunAsync(repository => repository.IsReadOnly, token));
        Assert.Equal(code, Assert.IsType<SqliteException>(writer.WriteFault).ResultCode);
        Assert.Contains("\"event\":\"repository.failed\"", _lines.ToString(), StringComparison.Ordinal);

        isWell = true;

        Assert.False(await writer.RunAsync(repository => repository.IsReadOnly, token));
        Assert.Null(writer.WriteFault);
    }

    [Test]
    public async Task A_client_gets_unavailable_and_succeeds_after_the_disk_recovers()
    {
        var token = TestContext.Current!.Execution.CancellationToken;
        var fault = Full;
        await using var host = await RepositoryHost.OpenAsync(
            _folder["a.fossil"], new RepositoryHostOptions
            {
                Server = new ServerOptions { OwnerLogin = "tester" }
            }, TimeProvider.System, Log,
            Failing(options => options.Access != DatabaseAccess.Read ? fault : 0), token);
        var project = await host.Writer.RunAsync(r => r.ProjectCode, token);
        var logins = new LoginAccount(TimeProvider.System);

        Assert.Equal(503, await StatusOfAsync("push"));
        Assert.Equal(200, await StatusOfAsync("pull"));
        Assert.True((await host.Health.StatusAsync(token)).IsReadOnly);
        fault = 0;
        Assert.Equal(200, await StatusOfAsync("push"));
        Assert.False((await host.Health.StatusAsync(token)).IsReadOnly);

        async Task<int> StatusOfAsync(string operation)
        {
            var body = System.Text.Encoding.ASCII.GetBytes($"{operation} {new string('a', 40)} {project}\n");
            using var reply = await HttpExchange.AnswerAsync(
                host, logins,
                new XferHttpRequest("/", XferContentType.Uncompressed, body, System.Net.IPAddress.Loopback), token);
            return reply.Status;
        }
    }

    [Test]
    [Arguments(ReadOnly)]
    public async Task What_cannot_be_written_is_served_to_readers(int code)
    {
        await using var writer = await OpenAsync(options => options.Access != DatabaseAccess.Read ? code : 0);

        Assert.True(
            await writer.RunAsync(
                repository => repository.IsReadOnly, TestContext.Current!.Execution.CancellationToken));
    }

    public void Dispose() => _folder.Dispose();

    private ILogger Log =>
        new NodeLog(_lines, TimeProvider.System, new LogSettings(LogStyle.Json, LogLevel.Information)).CreateLogger();

    private Task<RepositoryQueue> OpenAsync(Func<RepositoryOptions, int> faultOf) =>
        new WriterOpening(_folder["a.fossil"], TimeProvider.System, Log).OpenAsync(
            Failing(faultOf), TestContext.Current!.Execution.CancellationToken);

    private static Func<string, RepositoryOptions, Repository> Failing(Func<RepositoryOptions, int> faultOf) =>
        (path, options) =>
        faultOf(options) is not 0 and var code
            ? throw new SqliteException(ErrorKind.System, "the disk fails", null, code)
            : Repository.Open(path, options);
}
