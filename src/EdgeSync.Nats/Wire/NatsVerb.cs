namespace EdgeSync.Nats.Wire;

/// <summary>The operations of the protocol, of clients, servers and leaf links.</summary>
public enum NatsVerb : byte
{
    /// <summary>No operation: the default value.</summary>
    None,

    /// <summary><c>INFO {json}</c>: a server's properties.</summary>
    Info,

    /// <summary><c>CONNECT {json}</c>: the options of a client or a leaf.</summary>
    Connect,

    /// <summary><c>PUB subject [reply] size</c> and a body.</summary>
    Pub,

    /// <summary><c>HPUB subject [reply] header-size size</c> and a header block with a body.</summary>
    HPub,

    /// <summary><c>SUB subject [queue] sid</c>.</summary>
    Sub,

    /// <summary><c>UNSUB sid [max]</c>.</summary>
    Unsub,

    /// <summary><c>MSG subject sid [reply] size</c> and a body.</summary>
    Msg,

    /// <summary><c>HMSG</c>: to a client with its sid, over a leaf link without one.</summary>
    HMsg,

    /// <summary><c>LMSG</c>: a message over a leaf link.</summary>
    LMsg,

    /// <summary><c>LS+ subject [queue weight]</c>: interest over a leaf link.</summary>
    LeafSub,

    /// <summary><c>LS- subject [queue]</c>: interest withdrawn.</summary>
    LeafUnsub,

    Ping,

    Pong,

    /// <summary><c>+OK</c>.</summary>
    Ok,

    /// <summary><c>-ERR 'text'</c>.</summary>
    Err,
}
