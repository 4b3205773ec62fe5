using EdgeSync.Cli.Commands;
using EdgeSync.IntegrationTests.Cli;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Notify;

/// <summary>Copies of one repository of messages, each in a folder of its own, synced by hand.</summary>
internal sealed class NotifyBench : IDisposable
{
    private const string Code = "0123456789012345678901234567890123456789";

    private readonly TemporaryFolder _folder = new("notify");
    private readonly List<Repository> _open = [];

    public string PathOf(string device) => _folder[device, NotifyPlace.FileName];

    /// <summary>The copy of a device, made when missing.</summary>
    public NotifyRepository Open(string device)
    {
        _folder.Folder(device);
        NotifyPlace.CreateMissing(PathOf(device), Code, TimeProvider.System);
        var repository = Repository.Open(PathOf(device));
        NotifyRepository.SetDevice(repository, device);
        _open.Add(repository);
        return new NotifyRepository(repository);
    }

    /// <summary>Both get what the other one has.</summary>
    public void Sync(NotifyRepository one, NotifyRepository other)
    {
        var run = InProcessCli.Run("repo", "sync", other.Repository.Path, "-R", one.Repository.Path, "--uv");
        Assert.True(run.Code == ExitCode.Ok, run.ToString());
        one.Update();
        other.Update();
    }

    public static NotifyItem Say(
        NotifyRepository notify, string body, string? thread = null, string project = "ship") =>
        notify.Send(new NotifySend(body) { Project = project, Thread = thread });

    public static string[] Bodies(NotifyRepository notify, string thread) =>
        [.. notify.Log(notify.FindThread(null, thread)).Select(m => m.Body)];

    public static long Unread(NotifyRepository notify) => notify.Queries.Projects().Sum(p => p.Unread);

    /// <summary>Bodies in order of arrival.</summary>
    public static string[] Arrived(NotifyRepository notify) =>
        [.. notify.Queries.Arrived(default, 0, 10_000).Select(m => notify.Read(m)!.Body)];

    public static ErrorKind KindOf(Action action) => Assert.Throws<EdgeSyncException>(action).Kind;

    public void Dispose()
    {
        foreach (var repository in _open) repository.Dispose();
        _folder.Dispose();
    }
}
