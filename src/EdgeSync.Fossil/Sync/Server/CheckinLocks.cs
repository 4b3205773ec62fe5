using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Server;

/// <summary>The holder of a lock, as sent in <c>pragma ci-lock-fail</c>.</summary>
internal readonly record struct LockHolder(string Login, string SinceSeconds);

/// <summary>
/// Locks on check-ins that are about to get a child: rows <c>ci-lock-HASH</c> of table config, with the value
/// <c>{"login":..,"clientid":..}</c>. They expire after a while, or when the check-in is no longer a leaf. Spec:
/// xfer.c.
/// </summary>
internal static class CheckinLocks
{
    private const string Prefix = "ci-lock-";

    /// <summary>Takes the lock for a client; returns another client that holds it.</summary>
    public static LockHolder? Take(
        IArtifactStore store, ArtifactId checkin, string clientId, string login, Instant now, TimeSpan timeout)
    {
        var isOurs = false;
        foreach (var row in store.Config.ListByPrefix(Prefix))
        {
            var isAlive = row.MtimeSeconds > (now - timeout).UnixSeconds
                && ArtifactId.TryParse(row.Key[Prefix.Length..], out var locked)
                && store.IsLeaf(locked);
            if (!isAlive)
            {
                store.Config.Set(row.Key, null, now.UnixSeconds);
                continue;
            }

            if (row.Key != Prefix + checkin || !TryParse(row, out var holder, out var holderId)) continue;
            if (holderId != clientId)
            {
                return new LockHolder(
                    holder.Length == 0 ? "anonymous" : holder, row.MtimeSeconds.ToString(CultureInfo.InvariantCulture));
            }

            isOurs = true;
        }

        if (!isOurs) store.Config.Set(Prefix + checkin, Write(login, clientId), now.UnixSeconds);
        return null;
    }

    /// <summary>Drops all locks of a client.</summary>
    public static void Release(IArtifactStore store, string clientId, Instant now)
    {
        foreach (var row in store.Config.ListByPrefix(Prefix))
            if (!TryParse(row, out _, out var holderId) || holderId == clientId)
                store.Config.Set(row.Key, null, now.UnixSeconds);
    }

    private static string Write(string login, string clientId) => JsonSerializer.Serialize(
        new LockFields { Login = login, ClientId = clientId }, LockContext.Default.LockFields);

    private static bool TryParse(ConfigRow row, out string login, out string clientId)
    {
        (login, clientId) = ("", "");
        if (row.Columns.Count == 0) return false;
        if (!BoundaryJson.TryReadLeniently(
            Encoding.UTF8.GetBytes(row.Columns[0].Value.ToString()), LockContext.Default.LockFields, out var fields))
            return false;

        (login, clientId) = (fields.Login ?? "", fields.ClientId ?? "");
        return true;
    }
}

/// <summary>The value of a lock's row.</summary>
internal sealed record LockFields
{
    [JsonPropertyName("login")]
    public string? Login { get; init; }

    [JsonPropertyName("clientid")]
    public string? ClientId { get; init; }
}

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(LockFields))]
internal sealed partial class LockContext : JsonSerializerContext;
