using System.Runtime.InteropServices.JavaScript;
using System.Text.Json;
using EdgeSync.Browser.History;
using EdgeSync.Browser.Store;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Wasm;

/// <summary>
/// What the worker calls. One worker has one repository. An error's message is its kind, a line end, the sentence, and,
/// if there is one, a line end and the hint: edgesync-worker.js takes it apart.
/// </summary>
internal static partial class PageExports
{
    private static PageHost? _host;

    internal static PageHost Host => _host ?? throw new EdgeSyncException(
        ErrorKind.Usage, "no repository is open", "newAgent first");

    [JSExport]
    public static void Open(int contents, int index, string options) => Run(() =>
    {
        var store = PageStore.Open(new OpfsFile(contents), new OpfsFile(index), BrowserEntropy.Instance);
        _host = new PageHost(
            store, JsonSerializer.Deserialize(options, PageJson.Default.OpenOptions)!,
            e => OnEvent(JsonSerializer.Serialize(e, PageJson.Default.PageEvent)));
        return true;
    });

    [JSExport]
    public static Task<string> Clone() => RunAsync(async () =>
    {
        var report = await Host.CloneAsync(p => OnProgress(p.Rounds, p.ArtifactsReceived, p.BytesReceived));
        var store = Host.Store;
        return JsonSerializer.Serialize(
            new CloneResult(
                report.ArtifactsReceived, report.Rounds, store.History.Count, store.ContentBytes, store.ProjectCode!),
            PageJson.Default.CloneResult);
    });

    [JSExport]
    public static void Start() => Run(() =>
    {
        Host.Start();
        return true;
    });

    [JSExport]
    public static Task<string> Stop() => RunAsync(async () =>
    {
        await Host.StopAsync();
        return "";
    });

    [JSExport]
    public static Task<string> Close() => RunAsync(async () =>
    {
        if (_host is { } host) await host.DisposeAsync();
        _host = null;
        return "";
    });

    [JSExport]
    public static Task<string> SyncNow() => RunAsync(async () =>
    {
        var leaf = Host.Leaf ?? throw new EdgeSyncException(ErrorKind.Usage, "the agent is not started", "start()");
        if (!Host.IsConnected)
            throw new EdgeSyncException(
                ErrorKind.Unavailable, "NATS is not connected", "what is committed is sent once it is");

        var done = new TaskCompletionSource<Sync.SyncSum>();
        leaf.SyncNow(sum => done.TrySetResult(sum));
        var sum = await done.Task;
        return JsonSerializer.Serialize(
            new SyncResult(sum.Sessions, sum.Received, sum.Sent, sum.Errors), PageJson.Default.SyncResult);
    });

    [JSExport]
    public static string Timeline(string options) => Run(() =>
    {
        var wanted = JsonSerializer.Deserialize(options, PageJson.Default.TimelineOptions)!;
        Instant? before = wanted.Before is { } ms ? Instant.FromUnixMilliseconds((long)ms) : null;
        IReadOnlyList<TimelineEntry> entries =
            [.. Host.Store.History.Timeline(wanted.Limit, wanted.Branch, before).Select(EntryOf)];
        return JsonSerializer.Serialize(entries, PageJson.Default.IReadOnlyListTimelineEntry);
    });

    [JSExport]
    public static string Files(string version) => Run(() =>
    {
        IReadOnlyList<FileEntry> files =
        [
            .. new PageRepository(Host.Store).Files(version).Select(f => new FileEntry(
                f.Name, f.Id.ToString(), f.Permission == FilePermission.Executable,
                f.Permission == FilePermission.Symlink)),
        ];
        return JsonSerializer.Serialize(files, PageJson.Default.IReadOnlyListFileEntry);
    });

    [JSExport]
    public static byte[] Read(string version, string name) =>
        Run(() => new PageRepository(Host.Store).Read(version, name).ToArray());

    /// <param name="contents">Those of the files one after the other.</param>
    [JSExport]
    public static string Commit(string options, byte[] contents) => Run(() =>
    {
        var wanted = JsonSerializer.Deserialize(options, PageJson.Default.CommitOptions)!;
        var at = 0;
        var changes = new List<FileChange>();
        foreach (var file in wanted.Files)
        {
            FilePermission? permission = file.Executable switch
            {
                true => FilePermission.Executable,
                false => FilePermission.Regular,
                null => null,
            };
            var content = file.Size is { } size ? contents[at..(at += size)] : null;
            changes.Add(new FileChange(file.Name, content, permission));
        }

        var request = new CommitRequest
        {
            Comment = wanted.Comment,
            User = wanted.User,
            Branch = wanted.Branch,
            Parent = wanted.Parent,
            Changes = changes,
        };
        var made = Host.Leaf is { } leaf
            ? leaf.Commit(request, PageHost.Now)
            : new PageRepository(Host.Store).Commit(request, PageHost.Now);
        return JsonSerializer.Serialize(EntryOf(made), PageJson.Default.TimelineEntry);
    });

    [JSExport]
    public static string Status() => Run(() =>
    {
        var store = Host.Store;
        var agent = Host.Leaf?.StatusAt(PageHost.Now);
        return JsonSerializer.Serialize(
            new StatusResult(
                Host.IsConnected, agent is null ? "stopped" : WordOf(agent.State), agent?.Reasons ?? [],
                store.CloneIsOpen ? null : store.ProjectCode, store.Config.Get("project-name"), store.History.Count,
                store.UnsentCount, store.ContentBytes),
            PageJson.Default.StatusResult);
    });

    [JSImport("onEvent", OpfsFile.Module)]
    private static partial void OnEvent(string json);

    [JSImport("onProgress", OpfsFile.Module)]
    private static partial void OnProgress(int rounds, int artifacts, double bytes);

    private static string WordOf(EdgeSync.Agent.AgentState state) => state switch
    {
        EdgeSync.Agent.AgentState.InSync => "in-sync",
        EdgeSync.Agent.AgentState.Syncing => "syncing",
        _ => "behind",
    };

    private static TimelineEntry EntryOf(CheckIn checkin)
    {
        var history = Host.Store.History;
        return new TimelineEntry(
            checkin.Id.ToString(), checkin.Date.UnixMilliseconds, history.UserOf(checkin), history.CommentOf(checkin),
            history.BranchOf(checkin.Id), history.TagsOf(checkin.Id), [.. checkin.Parents.Select(p => p.ToString())],
            history.IsLeaf(checkin.Id));
    }

    internal static T Run<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (EdgeSyncException e)
        {
            throw new InvalidOperationException(TextOf(e));
        }
    }

    private static async Task<string> RunAsync(Func<Task<string>> call)
    {
        try
        {
            return await call();
        }
        catch (EdgeSyncException e)
        {
            throw new InvalidOperationException(TextOf(e));
        }
    }

    private static string TextOf(EdgeSyncException e) =>
        $"{ErrorKinds.Word(e.Kind)}\n{e.Message}{(e.Hint is null ? "" : $"\n{e.Hint}")}";
}
