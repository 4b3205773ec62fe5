using System.Net;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Net;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// The failed logins of a node at all its ports: HTTP, exchanges over NATS, the ports of the broker. A login with too
/// many failures at one of them has to wait at all. Thread-safe.
/// </summary>
internal sealed class LoginAccount(TimeProvider clock)
{
    /// <summary>Of messages from an outside NATS server: their origin is not known here.</summary>
    private const string UnknownOrigin = "nats";

    private readonly TimeProvider _clock = clock;

    /// <summary>The account itself, for the broker.</summary>
    public LoginThrottle Throttle { get; } = new();

    /// <summary>The pause until one more try is allowed.</summary>
    public TimeSpan Pause => Throttle.Pause;

    /// <summary>For a request over HTTP.</summary>
    /// <param name="realm">The repository of the login.</param>
    public ILoginGate GateOf(IPAddress address, string realm) =>
        new Gate(this, AddressGroup.Of(address).ToString(), realm);

    /// <summary>For a request over NATS, or of a peer.</summary>
    /// <param name="origin">The address group of the connection that sent it to the embedded broker, or the peer; null
    /// when unknown.</param>
    /// <param name="realm">The repository of the login.</param>
    public ILoginGate GateOf(string? origin, string realm) => new Gate(this, origin ?? UnknownOrigin, realm);

    private sealed class Gate(LoginAccount account, string address, string realm) : ILoginGate
    {
        public bool IsOpen(string login) => account.Throttle.WaitOf(address, login, Now) == TimeSpan.Zero;

        public void OnLogin(string login, bool succeeded)
        {
            if (succeeded) account.Throttle.OnSuccess(address, login, realm);
            else account.Throttle.OnFailure(address, login, realm, Now);
        }

        private Instant Now => Instant.FromDateTime(account._clock.GetUtcNow());
    }
}
