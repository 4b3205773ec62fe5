using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>Reads a broker for its monitoring port. Field names and meanings are those of nats-server.</summary>
// Spec: nats-server monitoring, docs.nats.io/running-a-nats-service/nats_admin/monitoring.
public static class BrokerMonitor
{
    private const long NanosecondsPerTick = 100;

    public static VarzReport Varz(BrokerCore core, ServerFacts facts, Instant now) => new()
    {
        ServerId = core.ServerId,
        ServerName = core.Options.ServerName,
        Version = BrokerOptions.ProtocolVersion,
        Proto = 1,
        Go = ".NET",
        Host = facts.Host,
        Port = facts.Port,
        AuthRequired = core.Options.RequiresAuthentication ? true : null,
        MaxConnections = core.Options.ConnectionsMax,
        MaxSubscriptions = core.Options.SubscriptionsMax > 0 ? core.Options.SubscriptionsMax : null,
        PingInterval = core.Options.PingInterval.Ticks * NanosecondsPerTick,
        PingMax = core.Options.UnansweredPingsMax,
        HttpHost = facts.HttpHost,
        HttpPort = facts.HttpPort,
        HttpBasePath = "",
        HttpsPort = 0,
        AuthTimeout = core.Options.AuthenticationTimeout.TotalSeconds,
        MaxControlLine = core.Options.ControlLineBytesMax,
        MaxPayload = core.Options.PayloadBytesMax,
        MaxPending = core.Options.PendingBytesMax,
        Leaf = ListenReportOf(facts.LeafHost, facts.LeafPort, core.Options, facts),
        Websocket = ListenReportOf(facts.WebSocketHost, facts.WebSocketPort, core.Options, facts),
        TlsTimeout = facts.TlsTimeoutSeconds,
        WriteDeadline = core.Options.WriteDeadline.Ticks * NanosecondsPerTick,
        Start = core.Start.ToDateTime(),
        Now = now.ToDateTime(),
        Uptime = GoText.OfUptime(now - core.Start),
        Mem = facts.MemoryBytes,
        Cores = facts.Cores,
        Gomaxprocs = facts.Cores,
        Cpu = facts.Cpu,
        Connections = core.ClientCount,
        TotalConnections = core.TotalConnections,
        Routes = 0,
        Remotes = 0,
        Leafnodes = core.LeafCount,
        InMsgs = core.Totals.InMessages,
        OutMsgs = core.Totals.OutMessages,
        InBytes = core.Totals.InBytes,
        OutBytes = core.Totals.OutBytes,
        SlowConsumers = core.SlowConsumers,
        Subscriptions = core.Subscriptions.Count,
        HttpReqStats = facts.RequestCounts,
        ConfigLoadTime = core.Start.ToDateTime(),
    };

    public static ConnzReport Connz(BrokerCore core, ConnectionQuery query, Instant now)
    {
        var reports = new List<ConnectionReport>();
        if (query.State != "closed")
        {
            foreach (var connection in core.Connections.Values)
            {
                if (connection is not LeafLink)
                    reports.Add(Detail(ConnectionReports.Of(connection, now), connection, query));
            }
        }

        if (query.State != "open") reports.AddRange(core.ClosedConnections.Items.Where(r => r.Kind == "Client"));
        if (query.Cid > 0) reports.RemoveAll(r => r.Cid != query.Cid);
        if (query.User.Length > 0) reports.RemoveAll(r => r.User != query.User);

        var page = ConnectionOrder.Apply(reports, query.Sort).Skip(query.Offset).Take(query.Limit)
            .Select(
                r => query.WithUsers ? r with
                {
                    AuthorizedUser = r.User.Length > 0 ? r.User : null,
                    Account = ConnectionReports.Account
                } : r)
            .ToList();
        return new ConnzReport
        {
            ServerId = core.ServerId,
            Now = now.ToDateTime(),
            NumConnections = page.Count,
            Total = reports.Count,
            Offset = query.Offset,
            Limit = query.Limit,
            Connections = page,
        };
    }

    public static SubszReport Subsz(BrokerCore core, ConnectionQuery query, Instant now)
    {
        var trie = core.Subscriptions;
        var statistics = trie.Statistics;
        var (largest, average) = trie.Fanout();
        var report = new SubszReport
        {
            NumSubscriptions = trie.Count,
            NumCache = trie.RememberedAnswers,
            NumInserts = statistics.Inserts,
            NumRemoves = statistics.Removes,
            NumMatches = statistics.Matches,
            CacheHitRate = statistics.Matches > 0 ? (double)statistics.CacheHits / statistics.Matches : 0,
            MaxFanout = largest,
            AvgFanout = average,
        };
        if (!query.WithSubjects && !query.WithSubscriptions) return report;

        return report with
        {
            ServerId = core.ServerId,
            Now = now.ToDateTime(),
            Total = trie.Count,
            Offset = query.Offset,
            Limit = query.Limit,
            SubscriptionsList =
            [
                .. core.Connections.Values.SelectMany(c => c.ListSubscriptions()).Skip(query.Offset).Take(query.Limit)
                    .Select(ConnectionReports.Of),
            ],
        };
    }

    public static LeafzReport Leafz(BrokerCore core, ConnectionQuery query, Instant now)
    {
        var leafs = core.Connections.Values.OfType<LeafLink>().Select(l => LeafReport.Of(l, query.WithSubjects))
            .ToList();
        return new LeafzReport
        {
            ServerId = core.ServerId,
            Now = now.ToDateTime(),
            Leafnodes = leafs.Count,
            Leafs = leafs
        };
    }

    /// <summary>Unhealthy in lame duck mode only.</summary>
    public static HealthReport Healthz(BrokerCore core) =>
        core.IsLameDuck ? new HealthReport("unavailable", "in lame duck mode") : new HealthReport("ok", null);

    private static ConnectionReport Detail(
        ConnectionReport report, BrokerConnection connection, ConnectionQuery query) =>
        report with
        {
            SubscriptionsList = query.WithSubjects ? ConnectionReports.SubjectsOf(connection) : null,
            SubscriptionsListDetail = query.WithSubscriptions
        ? [.. connection.ListSubscriptions().Select(ConnectionReports.Of)]
        : null,
        };

    private static ListenReport ListenReportOf(string host, int port, BrokerOptions options, ServerFacts facts) =>
        port == 0
        ? new ListenReport()
        : new ListenReport
        {
            Host = host,
            Port = port,
            AuthTimeout = options.AuthenticationTimeout.TotalSeconds,
            TlsTimeout = facts.TlsTimeoutSeconds,
        };
}
