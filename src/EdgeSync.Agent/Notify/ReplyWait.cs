using EdgeSync.Primitives;

namespace EdgeSync.Agent.Notify;

/// <summary>
/// Waits for the answer to one message: the first message with its id in <c>reply_to</c>, whatever else is said in the
/// thread. Made before the message is sent, so that no answer is missed.
/// </summary>
/// <param name="messageId">The message that asks.</param>
/// <param name="deadline">Null: for as long as it takes.</param>
public sealed class ReplyWait(string messageId, Instant? deadline)
{
    /// <summary>When to call <see cref="OnDeadline"/>.</summary>
    public Instant? Deadline => Answer is null && !IsOver ? deadline : null;

    public NotifyMessage? Answer { get; private set; }

    /// <summary>No answer came in time.</summary>
    public bool IsOver { get; private set; }

    /// <summary>True for the answer.</summary>
    public bool OnMessage(NotifyMessage message)
    {
        if (Answer is not null || IsOver || message.ReplyTo != messageId) return false;

        Answer = message;
        return true;
    }

    public void OnDeadline(Instant now)
    {
        if (Answer is null && now >= deadline) IsOver = true;
    }
}
