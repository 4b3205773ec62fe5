using System.Net;
using EdgeSync.Fossil.Sync.Server;
using EdgeSync.Net;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Repositories;

/// <summary>
/// The failed logins of a node, whatever they came by: HTTP, exchanges over NATS, the ports of the broker. Who has
/// guessed too often at one of them waits at all. Thread-safe.
/// </summary>
internal sealed class LoginAccount(TimeProvider clock)
{
    /// <summary>Of messages that an outside NATS server passed on: where they came from is not known here.</summary>
    private const string UnknownOrigin = "nats";

    private readonly TimeProvider _clock = clock;

    /// <summary>The account itself, for the broker.</summary>
    public LoginThrottle Throttle { get; } = new();

    /// <summary>After so long one more try is allowed.</summary>
    public TimeSpan Pause => Throttle.Pause;

    /// <summary>For a request over HTTP.</summary>
    /// <param name="realm">The repository whose logins are tried.</param>
    public ILoginGate GateOf(IPAddress address, string realm) =>
        new Gate(this, AddressGroup.Of(address).ToString(), realm);

    /// <summary>For a request over NATS.</summary>
    /// <param name="origin">The address group of the connection that brought it to the embedded broker; null when
    /// unknown.</param>
    /// <param name="realm">The repository whose logins are tried.</param>
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
