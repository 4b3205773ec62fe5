using System.Globalization;
using EdgeSync.Iroh.Endpoints;

namespace EdgeSync.Net.Relay;

/// <summary>Measures how far a relay is, by its <c>/ping</c>.</summary>
/// <param name="http">Connections; its owner keeps it.</param>
/// <param name="clock">Of times and timeouts.</param>
public sealed class RelayProbe(HttpClient http, TimeProvider clock)
{
    /// <summary>Where a relay of ours says at which UDP port it tells clients their address.</summary>
    internal const string AddressPortHeader = "EdgeSync-Address-Port";

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>From the request to its answer, over a connection that may have to be opened; null: no answer, or a
    /// refusal.</summary>
    public async Task<TimeSpan?> MeasureAsync(RelayUrl relay, CancellationToken cancellationToken) =>
        (await AskAsync(relay, cancellationToken))?.RoundTrip;

    /// <summary>The same, with what else the relay offers.</summary>
    public async Task<RelayAnswer?> AskAsync(RelayUrl relay, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(relay);
        using var patience = new CancellationTokenSource(Timeout, clock);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        var begin = clock.GetTimestamp();
        try
        {
            using var response = await http.GetAsync(
                relay.At("/ping"), HttpCompletionOption.ResponseHeadersRead, ending.Token);
            return response.IsSuccessStatusCode
                ? new RelayAnswer(clock.GetElapsedTime(begin), AddressPortOf(response))
                : null;
        }
        catch (Exception e) when (e is HttpRequestException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    private static int? AddressPortOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues(AddressPortHeader, out var values)
        && ushort.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
            ? port
            : null;
}

/// <summary>What a relay answers to a ping.</summary>
/// <param name="AddressPort">The UDP port of its <see cref="AddressService"/>; null: it has none.</param>
public sealed record RelayAnswer(TimeSpan RoundTrip, int? AddressPort);
