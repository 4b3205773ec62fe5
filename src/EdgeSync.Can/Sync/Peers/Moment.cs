using EdgeSync.Primitives;

namespace EdgeSync.Can.Sync.Peers;

/// <summary>The two times that the mirror needs.</summary>
/// <param name="Now">Goes on steadily; for deadlines.</param>
/// <param name="Wall">The time of day, which may jump; for stamps.</param>
public readonly record struct Moment(Instant Now, Instant Wall);
