namespace EdgeSync.Nats.Broker;

/// <summary>Totals of a broker since it started.</summary>
/// <param name="Subscriptions">Held now.</param>
/// <param name="SlowConsumers">Connections that were closed for being slow.</param>
public readonly record struct BrokerTotals(
    long Subscriptions, long MessagesIn, long MessagesOut, long BytesIn, long BytesOut, long SlowConsumers);
