namespace EdgeSync.Fossil.Sync.Server;

/// <summary>Limits guessing of passwords. The host supplies the time and the peer's address.</summary>
public interface ILoginGate
{
    /// <summary>False: too many logins of that name have failed from there; this one is not even checked.</summary>
    bool IsOpen(string login);

    /// <summary>The result of a checked login.</summary>
    void OnLogin(string login, bool succeeded);
}
