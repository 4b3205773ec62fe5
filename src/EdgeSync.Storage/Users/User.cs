using EdgeSync.Primitives;

namespace EdgeSync.Storage.Users;

/// <summary>One row of the <c>user</c> table, without its secrets.</summary>
/// <param name="Capabilities">The letters as stored, not expanded.</param>
/// <param name="ExpiresAt">When an invitation expires; null for users without an expiry.</param>
/// <param name="IsExpired">True when that time has passed, or cannot be read.</param>
public sealed record User(
    long UserId,
    string Login,
    string Capabilities,
    string Info,
    long? MtimeSeconds,
    Instant? ExpiresAt,
    bool IsExpired,
    bool HasPassword);
