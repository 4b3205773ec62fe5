namespace EdgeSync.Fossil.Sync;

/// <summary>Places in the engine where the simulator may inject a fault.</summary>
public enum FaultSite
{
    /// <summary>Client: a file that was due is omitted.</summary>
    ClientFileSkip,

    /// <summary>Client: the login nonce is wrong.</summary>
    ClientLoginBadNonce,

    /// <summary>Client: the request's budget is tiny.</summary>
    ClientBudgetMin,

    /// <summary>Client: a received artifact is not stored.</summary>
    ClientFileReject,

    /// <summary>Client: a received unversioned file is damaged.</summary>
    ClientUvFileCorrupt,

    /// <summary>Client: a received unversioned file is not stored.</summary>
    ClientUvFileReject,

    /// <summary>Client: private artifacts are not announced.</summary>
    ClientPrivateSkip,

    /// <summary>Client: gimme cards are omitted.</summary>
    ClientGimmeDrop,

    /// <summary>Client: clone_seqno is ignored.</summary>
    ClientCloneSeqnoDrop,

    /// <summary>Client: a received artifact's bytes are damaged.</summary>
    ClientFileCorrupt,

    /// <summary>Client: a deletion or row of a table is not sent, or not stored.</summary>
    ClientRowDrop,

    /// <summary>Server: the unversioned catalogue hash differs.</summary>
    ServerCatalogHashCorrupt,

    /// <summary>Server: a clone batch is one artifact.</summary>
    ServerCloneBatchSmall,

    /// <summary>Server: the list of igot cards stops early.</summary>
    ServerIGotTruncate,

    /// <summary>Server: the list of private igot cards stops early.</summary>
    ServerPrivateIGotTruncate,

    /// <summary>Server: a received artifact is rejected.</summary>
    ServerFileReject,

    /// <summary>Either side: the text of an artifact that is to be sent cannot be expanded.</summary>
    SenderExpandFail,

    /// <summary>Server: a received artifact's bytes are damaged, a delta's as well as a text's.</summary>
    ServerFileCorrupt,

    /// <summary>Server: a gimme gets no reply.</summary>
    ServerGimmeSkip,

    /// <summary>Server: an unversioned file is dropped.</summary>
    ServerUvFileDrop,

    /// <summary>Server: a uvgimme gets no reply.</summary>
    ServerUvGimmeSkip,

    /// <summary>Server: a table card is ignored.</summary>
    ServerRowDrop,

    /// <summary>Server: schema cards are omitted.</summary>
    ServerSchemaDrop,

    /// <summary>Server: the reply is empty.</summary>
    ServerReplyEmpty,
}

/// <summary>
/// Decides whether a fault happens here and now. The engine calls it at each site; <see cref="None"/> injects nothing
/// and costs one comparison with null.
/// </summary>
public abstract class FaultInjector
{
    /// <summary>No faults: what everything but the simulator passes.</summary>
    public static FaultInjector? None => null;

    public abstract bool Strikes(FaultSite site);
}

internal static class FaultInjectorExtensions
{
    public static bool At(this FaultInjector? faults, FaultSite site) => faults is not null && faults.Strikes(site);
}
