namespace EdgeSync.Nats.Broker;

/// <summary>Why the broker ended a connection.</summary>
public enum CloseReason
{
    /// <summary>Still open.</summary>
    None,
    ClientClosed,
    AuthenticationTimeout,
    AuthenticationFailure,
    TlsHandshakeFailure,
    SlowConsumerPendingBytes,
    SlowConsumerWriteDeadline,
    WriteError,
    ReadError,
    ParseError,
    StaleConnection,
    ProtocolViolation,
    BadClientProtocolVersion,
    IncorrectPort,
    MaxConnectionsExceeded,
    MaxSubscriptionsExceeded,
    MaxPayloadExceeded,
    MaxControlLineExceeded,
    ServerShutdown,
    DuplicateRemoteLeafnode,
    ClusterNamesIdentical,
    LeafnodeLoop,
    MinimumVersionRequired,

    /// <summary>The soliciting side removed its leafnode remote.</summary>
    RemoteRemoved,
}

/// <summary>The names that the monitoring port gives to the reasons.</summary>
public static class CloseReasonText
{
    public static string Of(CloseReason reason) => reason switch
    {
        CloseReason.None => "",
        CloseReason.ClientClosed => "Client Closed",
        CloseReason.AuthenticationTimeout => "Authentication Timeout",
        CloseReason.AuthenticationFailure => "Authentication Failure",
        CloseReason.TlsHandshakeFailure => "TLS Handshake Failure",
        CloseReason.SlowConsumerPendingBytes => "Slow Consumer (Pending Bytes)",
        CloseReason.SlowConsumerWriteDeadline => "Slow Consumer (Write Deadline)",
        CloseReason.WriteError => "Write Error",
        CloseReason.ReadError => "Read Error",
        CloseReason.ParseError => "Parse Error",
        CloseReason.StaleConnection => "Stale Connection",
        CloseReason.ProtocolViolation => "Protocol Violation",
        CloseReason.BadClientProtocolVersion => "Bad Client Protocol Version",
        CloseReason.IncorrectPort => "Incorrect Port",
        CloseReason.MaxConnectionsExceeded => "Maximum Connections Exceeded",
        CloseReason.MaxSubscriptionsExceeded => "Maximum Subscriptions Exceeded",
        CloseReason.MaxPayloadExceeded => "Maximum Message Payload Exceeded",
        CloseReason.MaxControlLineExceeded => "Maximum Control Line Exceeded",
        CloseReason.ServerShutdown => "Server Shutdown",
        CloseReason.DuplicateRemoteLeafnode => "Duplicate Remote LeafNode Connection",
        CloseReason.ClusterNamesIdentical => "Cluster Names Identical",
        CloseReason.LeafnodeLoop => "Leafnode Loop",
        CloseReason.MinimumVersionRequired => "Minimum Version Required",
        CloseReason.RemoteRemoved => "Remote Removed",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };
}
