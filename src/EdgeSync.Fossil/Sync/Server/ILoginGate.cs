namespace EdgeSync.Fossil.Sync.Server;

/// <summary>Limits the guessing of passwords. Its host knows the clock and where the request came from.</summary>
public interface ILoginGate
{
    /// <summary>False: too many logins of that name have failed from there; this one is not even looked at.</summary>
    bool IsOpen(string login);

    /// <summary>What became of a login that was looked at.</summary>
    void OnLogin(string login, bool succeeded);
}
