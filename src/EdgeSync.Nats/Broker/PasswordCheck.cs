
namespace EdgeSync.Nats.Broker;

/// <summary>
/// A password and the slow hash to compare it with. The connection waits, and its input is held; others do not wait: a
/// shell takes one check at a time from the core, computes it outside of its lock, and returns the result.
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
