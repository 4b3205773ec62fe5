using System.Text;
using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>Makes reports of connections.</summary>
internal static class ConnectionReports
{
    /// <summary>There is one account, with the name that nats-server gives to it.</summary>
    public const string Account = "$G";

    public static ConnectionReport Of(BrokerConnection connection, Instant now)
    {
        var end = connection.IsClosed ? connection.Stop : now;
        var client = connection as ClientConnection;
        return new ConnectionReport
        {
            Cid = connection.Id,
            Kind = connection.Origin.Kind == ConnectionKind.Leaf ? "Leafnode" : "Client",
            Type = connection.Origin.Transport switch
            {
                ConnectionTransport.WebSocket => "websocket",
                ConnectionTransport.InProcess => "in_process",
                _ => "nats",
            },
            Ip = connection.Origin.Address,
            Port = connection.Origin.Port,
            Start = connection.Start.ToDateTime(),
            LastActivity = connection.LastActivity.ToDateTime(),
            Stop = connection.IsClosed ? connection.Stop.ToDateTime() : null,
            Reason = connection.IsClosed ? CloseReasonText.Of(connection.CloseReason) : null,
            Rtt = connection.RoundTrip is { } roundTrip ? GoText.OfDuration(roundTrip) : null,
            Uptime = GoText.OfUptime(end - connection.Start),
            Idle = GoText.OfUptime(end - connection.LastActivity),
            PendingBytes = connection.PendingBytes,
            InMsgs = connection.Counters.InMessages,
            OutMsgs = connection.Counters.OutMessages,
            InBytes = connection.Counters.InBytes,
            OutBytes = connection.Counters.OutBytes,
            Subscriptions = connection.SubscriptionCount,
            Name = NullIfEmpty(connection.Name),
            Lang = NullIfEmpty(client?.Connect.Language),
            Version = NullIfEmpty(client?.Connect.Version),
            TlsVersion = NullIfEmpty(connection.Origin.TlsVersion),
            TlsCipherSuite = NullIfEmpty(connection.Origin.TlsCipherSuite),
            User = client?.User?.Name ?? "",
            IdleTime = end - connection.LastActivity,
        };
    }

    public static IReadOnlyList<string> SubjectsOf(BrokerConnection connection) =>
        [.. connection.ListSubscriptions().Select(s => Encoding.UTF8.GetString(s.Subject))];

    public static SubscriptionReport Of(Subscription subscription) => new()
    {
        Account = Account,
        Subject = Encoding.UTF8.GetString(subscription.Subject),
        Qgroup = subscription.Queue is { } queue ? Encoding.UTF8.GetString(queue) : null,
        Sid = Encoding.UTF8.GetString(subscription.Sid),
        Msgs = subscription.Delivered,
        Max = subscription.DeliveredMax > 0 ? subscription.DeliveredMax : null,
        Cid = subscription.Owner.Id,
    };

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
