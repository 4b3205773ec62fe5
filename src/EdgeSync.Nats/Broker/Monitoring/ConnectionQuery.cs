namespace EdgeSync.Nats.Broker.Monitoring;

/// <summary>Which connections <c>/connz</c> is to list, and how; which subscriptions <c>/subsz</c>.</summary>
public sealed record ConnectionQuery
{
    private const int DefaultLimit = 1024;

    public int Offset { get; private init; }

    public int Limit { get; private init; } = DefaultLimit;

    public string Sort { get; private init; } = "cid";

    /// <summary><c>open</c>, <c>closed</c> or <c>all</c>.</summary>
    public string State { get; private init; } = "open";

    /// <summary>With names of users.</summary>
    public bool WithUsers { get; private init; }

    public bool WithSubjects { get; private init; }

    public bool WithSubscriptions { get; private init; }

    /// <summary>Only this connection; 0 for all.</summary>
    public ulong Cid { get; private init; }

    public string User { get; private init; } = "";

    /// <summary>
    /// Reads the query of a request. False, with the reason, for an invalid number or an unknown word.
    /// </summary>
    public static bool TryParse(IReadOnlyDictionary<string, string> query, out ConnectionQuery parsed, out string error)
    {
        parsed = new ConnectionQuery();
        if (!TryNumber(query, "offset", 0, out var offset, out error)
            || !TryNumber(query, "limit", DefaultLimit, out var limit, out error)
            || !TryNumber(query, "cid", 0, out var cid, out error)
                || !TryNumber(query, "auth", 0, out var auth, out error))
            return false;

        var subs = Value(query, "subs");
        parsed = new ConnectionQuery
        {
            Offset = (int)Math.Min(offset, int.MaxValue),
            Limit = limit == 0 ? DefaultLimit : (int)Math.Min(limit, int.MaxValue),
            Cid = (ulong)cid,
            WithUsers = auth > 0,
            WithSubjects = subs.Length > 0 && subs != "0" && subs != "detail",
            WithSubscriptions = subs == "detail",
            User = Value(query, "user"),
            Sort = Value(query, "sort") is { Length: > 0 } sort ? sort : "cid",
            State = Value(query, "state").ToLowerInvariant() is { Length: > 0 } state ? state : "open",
        };
        if (parsed.State is not ("open" or "closed" or "all" or "any"))
            error = $"Error decoding state for {parsed.State}";
        else if (!ConnectionOrder.IsKnown(parsed.Sort)) error = $"Invalid sorting option: {parsed.Sort}";
        return error.Length == 0;
    }

    private static bool TryNumber(
        IReadOnlyDictionary<string, string> query, string name, int missing, out long number, out string error)
    {
        error = "";
        number = missing;
        var text = Value(query, name);
        if (text.Length == 0) return true;
        if (name == "auth" && bool.TryParse(text, out var flag)) return (number = flag ? 1 : 0) >= 0;
        if (long.TryParse(
            text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture,
            out number))
            return true;

        error = $"Error decoding integer for '{name}': \"{text}\"";
        return false;
    }

    private static string Value(IReadOnlyDictionary<string, string> query, string name) =>
        query.GetValueOrDefault(name, "");
}

/// <summary>The orders of <c>/connz?sort=</c>: numbers from the largest on, the rest ascending.</summary>
internal static class ConnectionOrder
{
    public static bool IsKnown(string sort) => sort is
        "cid" or "start" or "subs" or "pending" or "msgs_to" or "msgs_from" or "bytes_to" or "bytes_from" or "last"
        or "idle" or "uptime"
        or "stop" or "reason";

    public static IEnumerable<ConnectionReport> Apply(IEnumerable<ConnectionReport> reports, string sort) => sort switch
    {
        "start" => reports.OrderBy(r => r.Start),
        "subs" => reports.OrderByDescending(r => r.Subscriptions),
        "pending" => reports.OrderByDescending(r => r.PendingBytes),
        "msgs_to" => reports.OrderByDescending(r => r.OutMsgs),
        "msgs_from" => reports.OrderByDescending(r => r.InMsgs),
        "bytes_to" => reports.OrderByDescending(r => r.OutBytes),
        "bytes_from" => reports.OrderByDescending(r => r.InBytes),
        "last" => reports.OrderByDescending(r => r.LastActivity),
        "idle" => reports.OrderByDescending(r => r.IdleTime),
        "uptime" => reports.OrderBy(r => r.Start),
        "stop" => reports.OrderByDescending(r => r.Stop),
        "reason" => reports.OrderBy(r => r.Reason, StringComparer.Ordinal),
        _ => reports.OrderBy(r => r.Cid),
    };
}
