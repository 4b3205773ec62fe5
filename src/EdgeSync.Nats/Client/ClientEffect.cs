namespace EdgeSync.Nats.Client;

/// <summary>What a <see cref="NatsClientCore"/> wants its shell to do, or to pass on.</summary>
public enum ClientEffectKind : byte
{
    None,

    /// <summary>Open a link to <see cref="ClientEffect.Server"/>, then say <c>OnDialed</c> or <c>OnLinkLost</c>.</summary>
    Dial,

    /// <summary>Make TLS on the open link, then say <c>OnTlsUp</c> or <c>OnLinkLost</c>.</summary>
    UpgradeTls,

    /// <summary>Close the link, or stop dialing. Nothing about it needs to be said any more.</summary>
    Hangup,

    /// <summary>A message for <see cref="ClientEffect.Subscription"/>.</summary>
    Deliver,

    /// <summary>No message will come for <see cref="ClientEffect.Subscription"/> any more.</summary>
    SubscriptionEnded,

    /// <summary>The first reply to the request <see cref="ClientEffect.Token"/>.</summary>
    Reply,

    /// <summary>The request <see cref="ClientEffect.Token"/> went out on a link that broke: its reply cannot come.</summary>
    RequestLost,

    /// <summary>The server has worked off everything that was sent before the ping <see cref="ClientEffect.Token"/>.</summary>
    Pong,

    /// <summary>The link broke before that.</summary>
    PongLost,

    /// <summary>Something to tell: <see cref="ClientEffect.News"/>.</summary>
    News,
}

/// <summary>One effect; only the fields of its kind are set.</summary>
public readonly record struct ClientEffect(ClientEffectKind Kind)
{
    public NatsServer? Server { get; init; }

    public ClientSubscription? Subscription { get; init; }

    public NatsMsg Message { get; init; }

    public long Token { get; init; }

    public NatsConnectionNews? News { get; init; }
}

/// <summary>What happened to a connection.</summary>
public enum NatsConnectionNewsKind : byte
{
    Connected,

    /// <summary>A working link was lost; another attempt follows unless <see cref="Closed"/> does.</summary>
    Disconnected,

    /// <summary>An attempt to connect failed.</summary>
    ConnectFailed,

    /// <summary>The server refused something and keeps the link: a permission, a subject.</summary>
    ServerError,

    /// <summary>The server is about to stop.</summary>
    LameDuck,

    /// <summary>A subscription's queue was full; the newest message was dropped.</summary>
    MessageDropped,

    /// <summary>Publishes that waited for a server were dropped: they are larger than the new server takes.</summary>
    PublishDropped,

    /// <summary>For good.</summary>
    Closed,
}

/// <summary>Told to whoever watches a connection.</summary>
public sealed record NatsConnectionNews(NatsConnectionNewsKind Kind, NatsServer? Server, string Text);
