using EdgeSync.Node.Settings;
using EdgeSync.Storage;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// Machines that joined by code, as users of our broker. Their password there is the repository's hash of their Fossil
/// password, with which a Fossil client signs as well: knowing one implies the other, and nothing more is stored.
/// </summary>
internal static class BrokerMembers
{
    /// <summary>
    /// The settings with these users; the ports always require a login, also while there are no members.
    /// </summary>
    public static NatsSection AddTo(NatsSection nats, IReadOnlyList<NatsUser> members)
    {
        if (!nats.Members) return nats;
        if (members.Count == 0) members = [NoMember()];
        return nats.WithUsers(members.Where(m => nats.Users.All(u => u.User != m.User)).DistinctBy(m => m.User));
    }

    /// <summary>Reads them from the files, before anything is open.</summary>
    public static IReadOnlyList<NatsUser> Read(IReadOnlyList<RepositorySettings> repositories, TimeProvider clock)
    {
        var members = new List<NatsUser>();
        foreach (var path in repositories.Select(r => r.Path).Where(File.Exists))
        {
            using var repository = Repository.Open(path, RepositoryOptions.ReadOnly with { Clock = clock });
            members.AddRange(Of(repository));
        }

        return members;
    }

    public static IReadOnlyList<NatsUser> Of(Repository repository) =>
        [.. repository.JoinTokens.Members().Select(m => new NatsUser { User = m.Login, Password = m.PasswordHash })];

    // A broker without users accepts every client.
    private static NatsUser NoMember()
    {
        Span<byte> secret = stackalloc byte[32];
        SystemEntropy.Instance.Fill(secret);
        return new NatsUser { User = "edgesync-nobody", Password = Convert.ToHexStringLower(secret) };
    }
}
