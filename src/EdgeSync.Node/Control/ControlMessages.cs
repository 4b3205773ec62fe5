using System.Text.Json;
using EdgeSync.Node.Status;
using EdgeSync.Node.Sync;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Control;

/// <summary>
/// One question to a running daemon: a line of JSON on its unix socket, answered by one line. What can be asked:
/// <code>
/// sync_now   with whom it concerns, now; answered when it is done     repository?
/// changed    somebody committed: look                                 repository
/// status     everything (docs/status.md)
/// reload     read the settings anew, as SIGHUP does
/// </code>
/// </summary>
internal sealed record ControlRequest(string Do, string? Repository = null) : IJsonObject
{
    /// <exception cref="JsonException">It is no question.</exception>
    public static ControlRequest Parse(byte[] line)
    {
        using var json = ControlLine.Parse(line);
        return new ControlRequest(json.RootElement.Text("do"), json.RootElement.OptionalText("repository"));
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("do"u8, Do);
        json.Put("repository"u8, Repository);
    }
}

internal sealed record ControlReply : IJsonObject
{
    public Failure? Error { get; init; }

    public IReadOnlyList<SyncNowResult>? Syncs { get; init; }

    public NodeStatus? Status { get; init; }

    /// <exception cref="JsonException">It is no answer.</exception>
    public static ControlReply Parse(byte[] line)
    {
        using var json = ControlLine.Parse(line);
        return new ControlReply
        {
            Error = json.RootElement.Optional("error", Fault),
            Syncs = json.RootElement.List("syncs", Sync),
            Status = json.RootElement.Optional("status", NodeStatusReader.Read),
        };

        static Failure Fault(JsonElement json) => new(json.Text("kind"), json.Text("message"), json.OptionalText("hint"), json.Texts("candidates"));

        static SyncNowResult Sync(JsonElement json) => new(
            json.Text("repository"), json.Text("target"), json.Text("status"), json.OptionalText("reason"), (int)json.Number("received"), (int)json.Number("sent"));
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.Put("error"u8, Error);
        json.Put("syncs"u8, Syncs);
        json.Put("status"u8, Status);
    }
}
