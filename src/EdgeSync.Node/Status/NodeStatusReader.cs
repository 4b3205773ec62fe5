using System.Text.Json;

namespace EdgeSync.Node.Status;

/// <summary>A status as it came over the control socket; <see cref="NodeStatus.WriteFields"/> is its counterpart.</summary>
internal static class NodeStatusReader
{
    /// <exception cref="JsonException">It is no status.</exception>
    public static NodeStatus Read(JsonElement json) => new()
    {
        Node = json.Text("node"),
        Role = json.Text("role"),
        Version = json.Text("version"),
        Commit = json.Text("commit"),
        ProcessId = (int)json.Number("process_id"),
        StartedAt = json.Moment("started_at"),
        Now = json.Moment("now"),
        Checks = json.List("checks", NodeCheck),
        Repositories = json.List("repositories", RepositoryStatus),
        Nats = json.Optional("nats", NatsLinkStatus),
        Broker = json.Optional("broker", BrokerStatus),
        Bridge = json.List("bridge", BridgeProjectStatus),
        Addresses = json.TextMap("addresses"),
        Configuration = json.Optional("configuration", ConfigurationStatus),
    };

    private static NodeCheck NodeCheck(JsonElement json) => new(json.Text("name"), CheckStates.Parse(json.Text("state")), json.OptionalText("detail"), json.OptionalText("hint"));

    private static RepositoryStatus RepositoryStatus(JsonElement json) => new()
    {
        Name = json.Text("name"),
        Path = json.Text("path"),
        ProjectCode = json.OptionalText("project_code"),
        ProjectName = json.OptionalText("project_name"),
        State = json.OptionalText("state"),
        IsReadOnly = json.Flag("is_read_only"),
        FileBytes = json.Number("file_bytes"),
        Checkins = json.Number("checkins"),
        LastCheckinAt = json.OptionalMoment("last_checkin_at"),
        Targets = json.List("targets", TargetStatus),
        Peers = json.List("peers", PeerStatus),
        Watch = json.Optional("watch", FolderWatchStatus),
        Twin = json.OptionalText("twin"),
    };

    private static TargetStatus TargetStatus(JsonElement json) => new()
    {
        Target = json.Text("target"),
        State = json.Text("state"),
        Behind = json.OptionalText("behind"),
        LastAgreedAt = json.OptionalMoment("last_agreed_at"),
        LastTriedAt = json.OptionalMoment("last_tried_at"),
        NextTryAt = json.OptionalMoment("next_try_at"),
        LastError = json.OptionalText("last_error"),
        Sessions = json.Number("sessions"),
        Failures = json.Number("failures"),
        FailuresInARow = (int)json.Number("failures_in_a_row"),
        ArtifactsSent = json.Number("artifacts_sent"),
        ArtifactsReceived = json.Number("artifacts_received"),
        WireBytesSent = json.Number("wire_bytes_sent"),
        WireBytesReceived = json.Number("wire_bytes_received"),
    };

    private static PeerStatus PeerStatus(JsonElement json) => new()
    {
        Peer = json.Text("peer"),
        Version = json.OptionalText("version"),
        Role = json.OptionalText("role"),
        Route = json.OptionalText("route"),
        LastSeenAt = json.OptionalMoment("last_seen_at"),
        Lag = json.OptionalNumber("lag"),
        Capabilities = json.Texts("capabilities"),
    };

    private static NatsLinkStatus NatsLinkStatus(JsonElement json) => new()
    {
        Mode = json.Text("mode"),
        State = json.Text("state"),
        Url = json.OptionalText("url"),
        ServerName = json.OptionalText("server_name"),
        ServerVersion = json.OptionalText("server_version"),
        RoundTripMilliseconds = json.OptionalFraction("round_trip_milliseconds"),
        Reconnects = json.Number("reconnects"),
        LastError = json.OptionalText("last_error"),
        Links = json.List("links", NatsUplinkStatus),
    };

    private static NatsUplinkStatus NatsUplinkStatus(JsonElement json) => new(
        json.Text("url"), json.Text("state"), json.OptionalText("server_name"), json.OptionalText("server_version"), json.Number("reconnects"), json.OptionalText("last_error"));

    private static BrokerStatus BrokerStatus(JsonElement json) => new()
    {
        Kind = json.Text("kind"),
        ServerName = json.OptionalText("server_name"),
        Connections = (int)json.Number("connections"),
        LeafNodes = (int)json.Number("leaf_nodes"),
        Subscriptions = json.Number("subscriptions"),
        MessagesIn = json.Number("messages_in"),
        MessagesOut = json.Number("messages_out"),
        BytesIn = json.Number("bytes_in"),
        BytesOut = json.Number("bytes_out"),
        SlowConsumers = json.Number("slow_consumers"),
        Restarts = json.Number("restarts"),
    };

    private static BridgeProjectStatus BridgeProjectStatus(JsonElement json) => new()
    {
        ProjectCode = json.Text("project_code"),
        Upstream = json.Text("upstream"),
        State = json.Text("state"),
        Requests = json.Number("requests"),
        Errors = json.Number("errors"),
        LastError = json.OptionalText("last_error"),
        LastAnsweredAt = json.OptionalMoment("last_answered_at"),
    };

    private static FolderWatchStatus FolderWatchStatus(JsonElement json) => new(json.Text("folder"), json.Text("state"), json.OptionalMoment("last_commit_at"), json.OptionalText("last_error"), json.Number("commits"), json.OptionalText("warning"));

    private static ConfigurationStatus ConfigurationStatus(JsonElement json) => new(json.OptionalText("file"), json.Moment("loaded_at"), json.OptionalText("refused_because"));
}
