using EdgeSync.Primitives;

namespace EdgeSync.Storage.Users;

/// <summary>One row of the <c>user</c> table, without its secrets.</summary>
/// <param name="Capabilities">The letters as stored; what they imply is not spelled out.</param>
/// <param name="ExpiresAt">When an invitation ends; null for users without an end.</param>
/// <param name="IsExpired">True when that time is over, or cannot be read.</param>
public sealed record User(
    long UserId,
    string Login,
    string Capabilities,
    string Info,
    long? MtimeSeconds,
    Instant? ExpiresAt,
    bool IsExpired,
    bool HasPassword);
