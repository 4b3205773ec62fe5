using System.Runtime.InteropServices.JavaScript;
using System.Text.Json;
using EdgeSync.Agent.Notify;
using EdgeSync.Browser.Notify;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Wasm;

/// <summary>What the worker calls for messages; errors are those of <see cref="PageExports"/>.</summary>
internal static partial class NotifyExports
{
    private static PageHost Host => PageExports.Host;

    private static PageNotify Notify => Host.Notify ?? throw new EdgeSyncException(
        ErrorKind.Usage, "the messages are not open", "openNotify first");

    [JSExport]
    public static string Open(string options) => PageExports.Run(() =>
    {
        var wanted = JsonSerializer.Deserialize(options, PageJson.Default.NotifyOptions)!;
        return Host.OpenNotify(wanted.Device, wanted.From).Device;
    });

    [JSExport]
    public static string Threads(string options) => PageExports.Run(() =>
    {
        var wanted = JsonSerializer.Deserialize(options, PageJson.Default.ThreadsOptions)!;
        IReadOnlyList<ThreadEntry> threads =
            [.. Notify.Threads(wanted.Project, wanted.Inbox, wanted.Limit).Select(ThreadEntry.Of)];
        return JsonSerializer.Serialize(threads, PageJson.Default.IReadOnlyListThreadEntry);
    });

    [JSExport]
    public static string Thread(string thread, string? project) =>
        PageExports.Run(() => Text(Notify.Thread(thread, project)));

    [JSExport]
    public static string Arrived(double after, int limit) =>
        PageExports.Run(() => Text(Notify.Arrived((long)after, limit)));

    [JSExport]
    public static string Send(string options) => Commit(options, (wanted, now) =>
        Notify.Send(DraftOf(wanted), wanted.Thread, wanted.Project, wanted.From ?? Host.NotifyFrom, now));

    [JSExport]
    public static string Reply(string options) => Commit(options, (wanted, now) => Notify.Reply(
        wanted.Target, DraftOf(wanted), wanted.Project, wanted.From ?? Host.NotifyFrom, now));

    [JSExport]
    public static string Act(string options) => Commit(options, (wanted, now) => Notify.Act(
        wanted.Target, wanted.Action, wanted.Project, wanted.From ?? Host.NotifyFrom, now));

    [JSExport]
    public static int MarkRead([JSMarshalAs<JSType.Array<JSType.String>>] string[] ids) =>
        PageExports.Run(() => Notify.MarkRead(ids, PageHost.Now));

    private static string Commit(string options, Func<SendOptions, Instant, PageMessage> commit) =>
        PageExports.Run(() =>
        {
            var made = commit(JsonSerializer.Deserialize(options, PageJson.Default.SendOptions)!, PageHost.Now);
            Host.Leaf?.SendCommitted();
            Host.TellMessages();
            return JsonSerializer.Serialize(MessageEntry.Of(made), PageJson.Default.MessageEntry);
        });

    private static NotifyDraft DraftOf(SendOptions options) => new()
    {
        Body = options.Body,
        Priority = NotifyNames.PriorityOf(options.Priority),
        Actions = [.. options.Actions.Select(NotifyNames.ActionOf)],
    };

    private static string Text(IEnumerable<PageMessage> messages)
    {
        IReadOnlyList<MessageEntry> entries = [.. messages.Select(MessageEntry.Of)];
        return JsonSerializer.Serialize(entries, PageJson.Default.IReadOnlyListMessageEntry);
    }
}
