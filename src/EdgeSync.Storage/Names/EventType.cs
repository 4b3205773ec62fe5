namespace EdgeSync.Storage.Names;

/// <summary>The type of a timeline entry.</summary>
public enum EventType
{
    Any,
    Checkin,
    Wiki,
    Ticket,
    Technote,
    Control,
    Forum,
}

internal static class EventTypes
{
    /// <summary>The letters in <c>event.type</c>, or <c>*</c>.</summary>
    public static string Letters(this EventType type) => type switch
    {
        EventType.Checkin => "ci",
        EventType.Wiki => "w",
        EventType.Ticket => "t",
        EventType.Technote => "e",
        EventType.Control => "g",
        EventType.Forum => "f",
        _ => "*",
    };

    public static EventType Parse(ReadOnlySpan<byte> letters) => letters switch
    {
        [(byte)'c', (byte)'i'] => EventType.Checkin,
        [(byte)'w'] => EventType.Wiki,
        [(byte)'t'] => EventType.Ticket,
        [(byte)'e'] => EventType.Technote,
        [(byte)'g'] => EventType.Control,
        [(byte)'f'] => EventType.Forum,
        _ => EventType.Any,
    };
}
