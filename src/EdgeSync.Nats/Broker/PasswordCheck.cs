
namespace EdgeSync.Nats.Broker;

/// <summary>
/// A password and the slow hash that it must fit. The connection waits, and what it sends meanwhile is held; nobody
/// else does: a shell takes one check at a time from the core, works it out outside of its lock, and brings the answer
/// back.
/// </summary>
public sealed class PasswordCheck
{
    private readonly BcryptHash _hash;

    internal PasswordCheck(BrokerConnection connection, BcryptHash hash, string name, string password) =>
        (Connection, _hash, Name, Password) = (connection, hash, name, password);

    internal BrokerConnection Connection { get; }

    internal string Name { get; }

    internal string Password { get; }

    /// <summary>Takes up to a second. May be called by any thread.</summary>
    public bool Verify() => _hash.Verify(Password);
}
