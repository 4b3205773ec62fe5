using System.Globalization;
using System.Text;
using EdgeSync.Iroh.Relay;

namespace EdgeSync.Net.Relay;

/// <summary>The counts of a relay in Prometheus' text form.</summary>
internal static class RelayMetrics
{
    public static string Write(RelayServerTotals totals, int recordCount)
    {
        var text = new StringBuilder();
        Add(text, "connections", "gauge", "Open connections.", totals.ConnectionCount);
        Add(text, "endpoints", "gauge", "Endpoint ids with a connection.", totals.EndpointCount);
        Add(text, "accepted_total", "counter", "Connections accepted.", totals.AcceptedCount);
        Add(text, "authenticated_total", "counter", "Logins that succeeded.", totals.AuthenticatedCount);
        Add(text, "denied_total", "counter", "Logins that were refused.", totals.DeniedCount);
        Add(
            text, "replaced_total", "counter", "Connections whose id connected again elsewhere.",
            totals.ReplacedCount);
        Add(
            text, "faults_total", "counter", "Connections closed for what they sent, or for silence.",
            totals.FaultCount);
        Add(text, "forwarded_total", "counter", "Datagram frames passed on.", totals.ForwardedCount);
        Add(text, "forwarded_bytes_total", "counter", "Their bytes.", totals.ForwardedBytes);
        Add(
            text, "unknown_total", "counter", "Datagram frames to ids that are not connected.", totals.UnknownCount);
        Add(
            text, "overflow_total", "counter", "Datagram frames to clients that read too slowly.",
            totals.OverflowCount);
        Add(
            text, "rate_limited_total", "counter", "Times that reading from a client was delayed.",
            totals.RateLimitedCount);
        Add(text, "records", "gauge", "Records of endpoints that are kept.", recordCount);
        return text.ToString();
    }

    private static void Add(StringBuilder text, string name, string type, string help, long value) => text.Append(
        CultureInfo.InvariantCulture,
        $"# HELP edgesync_relay_{name} {help}\n# TYPE edgesync_relay_{name} {type}\nedgesync_relay_{name} {value}\n");
}
