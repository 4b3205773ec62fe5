using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;

namespace EdgeSync.Nats.Broker;

/// <summary>
/// One connection of the broker, of any protocol: the partial input, the waiting output, and the reason of its end. A
/// shell holds it as a handle for the calls of <see cref="BrokerCore"/>.
/// </summary>
public abstract class BrokerConnection
{
    /// <summary>The realm of the ports' passwords, in the account of failed logins.</summary>
    private const string LoginRealm = "broker";

    private const int HeldBytesMax = 64 * 1024;

    private readonly PartialReadBuffer _partialReads = new();
    private PartialReadBuffer? _held;
    private int _stashNeeded;
    private string? _login;

    internal BrokerConnection(BrokerCore core, ConnectionOrigin origin, Instant now)
    {
        Core = core;
        Output = new OutputQueue(core.Segments);
        Id = core.NextConnectionId();
        Origin = origin;
        Start = LastActivity = now;
    }

    /// <summary>From 1 on, never reused.</summary>
    public ulong Id { get; }

    public ConnectionOrigin Origin { get; }

    /// <summary>For the shell: its object for this connection.</summary>
    public object? Tag { get; set; }

    /// <summary>Why it ended; <see cref="CloseReason.None"/> while it is open.</summary>
    public CloseReason CloseReason { get; private set; }

    public bool IsClosed => CloseReason != CloseReason.None;

    /// <summary>The name that the other side sent; empty until then.</summary>
    public string Name { get; private protected set; } = "";

    internal BrokerCore Core { get; }

    internal OutputQueue Output { get; }

    /// <summary>Taken by the shell, and not yet reported as sent.</summary>
    internal long InFlightBytes { get; set; }

    /// <summary>Its part in the broker's sum of waiting output, as last counted.</summary>
    internal long CountedBytes { get; set; }

    /// <summary>When the shell last took or sent bytes, while bytes are in flight.</summary>
    internal Instant LastProgress { get; set; }

    internal long PendingBytes => Output.WaitingBytes + InFlightBytes;

    /// <summary>Memory held for an operation that has arrived in part.</summary>
    internal int PartialReadCapacity => _partialReads.Capacity;

    /// <summary>Its part of the memory for subscriptions.</summary>
    internal long SubscriptionBytes { get; private set; }

    /// <summary>Its part of the memory for operations that have arrived in part.</summary>
    internal long PartialBytes { get; private set; }

    /// <summary>The output that may wait before it is closed as slow.</summary>
    internal abstract long PendingBytesMax { get; }

    /// <summary>The receiver for which much output of this connection waits, or null.</summary>
    internal BrokerConnection? Receiver { get; set; }

    /// <summary>Its password is being checked: input is kept until then.</summary>
    internal bool IsHeld { get; private set; }

    internal bool IsTouched { get; set; }

    /// <summary>When its timer is set to run, in ticks; 0 when it is not.</summary>
    internal long ScheduledTicks { get; set; }

    internal Instant Start { get; }

    /// <summary>The time of the last received bytes, of any kind.</summary>
    public Instant LastActivity { get; private set; }

    public ConnectionKind Kind => Origin.Kind;

    /// <summary>It has subscriptions, or output waits for it.</summary>
    public bool IsInUse => SubscriptionCount > 0 || PendingBytes > 0;

    internal Instant Stop { get; private set; }

    internal ConnectionCounters Counters { get; } = new();

    /// <summary>The round trip of the last ping; null before the first.</summary>
    internal TimeSpan? RoundTrip { get; private protected set; }

    internal abstract int SubscriptionCount { get; }

    /// <summary>False for one that the present users would not accept, or not with its rights.</summary>
    internal virtual bool IsStillWelcome => true;

    internal abstract IEnumerable<Subscription> ListSubscriptions();

    /// <summary>
    /// Delivers a message to one of its subscriptions. False when it does not get it: closed, its own without echo,
    /// denied. Of clients; leaf links have their own method.
    /// </summary>
    internal virtual bool Deliver(
        Subscription subscription, BrokerConnection source, scoped in RoutedMessage message) =>
        false;

    internal void Receive(ReadOnlySpan<byte> bytes, Instant now)
    {
        LastActivity = now;
        OnBytes(now);
        Feed(bytes, now);
        CountPartial();
    }

    /// <summary>The shell has taken all waiting output: there is room for more.</summary>
    internal virtual void OnOutputTaken()
    {
    }

    /// <summary>Takes the memory for one more subscription; false when its share is used up.</summary>
    private protected bool TryTakeSubscription(long bytes)
    {
        if (!Core.SubscriptionMemory.TryTake(Origin, SubscriptionBytes, bytes)) return false;

        SubscriptionBytes += bytes;
        return true;
    }

    private protected void GiveBackSubscription(long bytes)
    {
        SubscriptionBytes -= bytes;
        Core.SubscriptionMemory.Release(Origin, bytes);
    }

    /// <summary>Authenticates the other side, unless it has failed too often.</summary>
    private protected AuthenticationResult Authenticate(Wire.ConnectOptions connect, string nonce, out BrokerUser? user)
    {
        user = null;
        _login = connect.Nkey.Length > 0 ? connect.Nkey : connect.User;
        if (Core.Logins.WaitOf(Origin.Group, _login, Core.Now) > TimeSpan.Zero)
        {
            _login = null;   // was not checked, so it is not a failure
            return AuthenticationResult.Refused;
        }

        return Core.Authenticator.Authenticate(connect, nonce, out user);
    }

    /// <summary>Counts the result.</summary>
    private protected void CountLogin(bool isRight)
    {
        if (_login is null) return;

        if (isRight) Core.Logins.OnSuccess(Origin.Group, _login, LoginRealm);
        else Core.Logins.OnFailure(Origin.Group, _login, LoginRealm, Core.Now);
    }

    private void CountPartial()
    {
        var bytes = IsClosed ? 0 : PartialReadCapacity + (_held?.Capacity ?? 0);
        if (bytes <= PartialBytes)
        {
            Core.PartialMemory.Release(Origin, PartialBytes - bytes);
            PartialBytes = bytes;
        }
        else if (Core.PartialMemory.TryTake(Origin, PartialBytes, bytes - PartialBytes))
        {
            PartialBytes = bytes;
        }
        else
        {
            CloseWithError("no memory for such large operations now"u8, CloseReason.MaxPayloadExceeded);
        }
    }

    /// <summary>The password check ended.</summary>
    internal void OnChecked(bool isRight, Instant now)
    {
        if (IsClosed) return;

        IsHeld = false;
        OnAuthenticated(isRight, now);
        if (_held is not { } held) return;

        _held = null;
        if (!IsClosed) Feed(held.Bytes, now);
        held.Clear();
        CountPartial();
    }

    private void Feed(ReadOnlySpan<byte> bytes, Instant now)
    {
        while (_partialReads.Length > 0 && !bytes.IsEmpty && !IsClosed && !IsHeld)
        {
            // As far as the size of the operation is known; while its line is incomplete, as far as the line.
            var wanted = _stashNeeded > 0 ? _stashNeeded - _partialReads.Length : bytes.IndexOf((byte)'\n') + 1;
            var taken = wanted <= 0 || wanted > bytes.Length ? bytes.Length : wanted;
            _partialReads.Append(bytes[..taken]);
            bytes = bytes[taken..];
            if (Read(_partialReads.Bytes, now, out _stashNeeded) == 0) continue;

            _partialReads.Clear();
        }

        if (IsClosed || bytes.IsEmpty) return;

        var consumed = IsHeld ? 0 : Read(bytes, now, out _stashNeeded);
        if (IsClosed) return;

        if (IsHeld) Hold(bytes[consumed..]);
        else _partialReads.Append(bytes[consumed..]);
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        _held ??= new PartialReadBuffer();
        if (_held.Length + bytes.Length > HeldBytesMax)
            CloseWithError("Authorization Violation"u8, CloseReason.AuthenticationFailure);
        else _held.Append(bytes);
    }

    /// <summary>Closes it. Output written before is still sent, unless the other side does not read.</summary>
    internal void Close(CloseReason reason)
    {
        if (IsClosed) return;

        CloseReason = reason;
        Stop = Core.Now;
        _partialReads.Clear();
        _held?.Clear();
        Receiver = null;
        CountPartial();
        if (DropsOutput(reason)) Output.Clear();
        OnClosed(reason);
        Core.OnClosed(this);
    }

    /// <summary>Sends the reason, then closes it.</summary>
    internal void CloseWithError(ReadOnlySpan<byte> text, CloseReason reason)
    {
        if (IsClosed) return;

        WriteError(text);
        Close(reason);
    }

    /// <summary>Much output waits here: a connection that continues to write to it is to pause.</summary>
    internal void HoldBack(BrokerConnection source)
    {
        if (PendingBytes > Core.PauseBytes) source.Receiver = this;
    }

    /// <summary>Whether it still reads, though slower than it is written to.</summary>
    internal bool IsWorthAPause(Instant now) =>
        !IsClosed && PendingBytes > Core.PauseBytes
        && (InFlightBytes == 0 || now - LastProgress < Core.Options.PauseProgress);

    internal void WriteError(ReadOnlySpan<byte> text)
    {
        var line = Output.GetSpan(text.Length + 9);
        "-ERR '"u8.CopyTo(line);
        text.CopyTo(line[6..]);
        "'\r\n"u8.CopyTo(line[(6 + text.Length)..]);
        Output.Advance(text.Length + 9);
        Core.Touch(this);
    }

    internal void Write(ReadOnlySpan<byte> bytes)
    {
        Output.Append(bytes);
        Core.Touch(this);
    }

    /// <summary>Its timer ran. Returns the next time, or null.</summary>
    internal abstract Instant? OnDeadline(Instant now);

    /// <summary>
    /// Handles whole operations from the start of the bytes. Returns how many bytes they took; when one is incomplete,
    /// <paramref name="needed"/> is its full size, or 0 while that is unknown.
    /// </summary>
    private protected abstract int Read(ReadOnlySpan<byte> bytes, Instant now, out int needed);

    /// <summary>Waits for the check of its password; see <see cref="OnAuthenticated"/>.</summary>
    private protected void Check(BrokerUser? user, Wire.ConnectOptions connect)
    {
        IsHeld = true;
        if (!Core.TryAddCheck(Core.Authenticator.CheckOf(this, user, connect))) OnChecked(isRight: false, Core.Now);
    }

    /// <summary>The result of the password check. Only the connection itself is notified.</summary>
    private protected virtual void OnAuthenticated(bool isRight, Instant now)
    {
    }

    /// <summary>Bytes arrived: the other side is alive.</summary>
    private protected abstract void OnBytes(Instant now);

    /// <summary>Withdraws its subscriptions.</summary>
    private protected abstract void OnClosed(CloseReason reason);

    /// <summary>Malformed bytes: sends the fault's text, if any, and closes.</summary>
    private protected void CloseForFault(WireFault fault)
    {
        var reason = fault switch
        {
            WireFault.ControlLineTooLong => CloseReason.MaxControlLineExceeded,
            WireFault.PayloadTooLarge => CloseReason.MaxPayloadExceeded,
            _ => CloseReason.ParseError,
        };
        var text = WireFaults.ErrorText(fault);
        if (text.IsEmpty) Close(reason);
        else CloseWithError(text, reason);
    }

    private static bool DropsOutput(CloseReason reason) =>
        reason is CloseReason.SlowConsumerPendingBytes or CloseReason.SlowConsumerWriteDeadline
            or CloseReason.WriteError or CloseReason.ClientClosed or CloseReason.ReadError;
}

/// <summary>Messages and their content bytes, both ways.</summary>
internal sealed class ConnectionCounters
{
    public long InMessages;
    public long OutMessages;
    public long InBytes;
    public long OutBytes;
}
