using EdgeSync.Primitives;

namespace EdgeSync.Fossil.Sync.Client;

/// <summary>The round that is under way: what may be done with the reply, and what came of it so far.</summary>
internal sealed class ClientRound
{
    /// <summary>Rounds whose reply has begun, this one included.</summary>
    public int Number { get; private set; }

    public Instant AskedAt { get; set; }

    public Instant AnsweredAt { get; private set; }

    /// <summary>False: the repository is read-only, so the reply changes nothing.</summary>
    public bool CanWrite { get; private set; }

    /// <summary>The reply has brought the session nearer to its end.</summary>
    public bool HasProgress { get; set; }

    /// <summary>What is left of the reply is swallowed.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Why the session ends; null while it goes on. The first one stays.</summary>
    public SyncFault? Fault { get; private set; }

    public void Start(Instant now, bool canWrite)
    {
        Number++;
        (AnsweredAt, CanWrite) = (now, canWrite);
        HasProgress = IsOver = false;
    }

    public void Fail(SyncFaultKind kind, string text)
    {
        IsOver = true;
        Fault ??= new SyncFault(kind, text);
    }

    /// <summary>A part of the request is refused; the session goes on without it.</summary>
    public void Narrow() => IsOver = HasProgress = true;
}
