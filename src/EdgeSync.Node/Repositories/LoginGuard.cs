using System.Net;
using EdgeSync.Fossil.Sync;
using EdgeSync.Net;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Repositories;

/// <summary>Limits guessing at the passwords of one repository, for each login and address by itself. Thread-safe.</summary>
internal sealed class LoginGuard(TimeProvider clock)
{
    /// <summary>So many logins of one name fail from one address before it has to wait.</summary>
    public const int FailuresMax = 10;

    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly LoginThrottle _throttle = new(FailuresMax, Memory);

    /// <summary>After so long one more try is allowed.</summary>
    public static TimeSpan Pause => Memory / FailuresMax;

    public ILoginGate GateOf(IPAddress address) => GateOf(AddressGroup.Of(address).ToString());

    public ILoginGate GateOf(string address) => new Gate(this, address);

    private Instant Now => Instant.FromDateTime(clock.GetUtcNow());

    private sealed class Gate(LoginGuard guard, string address) : ILoginGate
    {
        public bool IsOpen(string login)
        {
            lock (guard._gate) return guard._throttle.WaitOf(address, login, guard.Now) == TimeSpan.Zero;
        }

        public void OnLogin(string login, bool succeeded)
        {
            lock (guard._gate)
            {
                if (succeeded) guard._throttle.OnSuccess(address, login);
                else guard._throttle.OnFailure(address, login, guard.Now);
            }
        }
    }
}
