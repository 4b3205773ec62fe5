using EdgeSync.Node.Settings;
using EdgeSync.Storage;

namespace EdgeSync.Node.Daemon;

/// <summary>
/// Machines that joined by code as users of our broker. Their password there is the hash that the repository keeps of
/// their Fossil password, which a Fossil client signs with as well: who has the one has the other, and nothing more is
/// stored.
/// </summary>
internal static class BrokerMembers
{
    /// <summary>
    /// The settings with these users; the ports are never open to everybody, also while there is none.
    /// </summary>
    public static NatsSection AddTo(NatsSection nats, IReadOnlyList<NatsUser> members)
    {
        if (!nats.Members) return nats;
        if (members.Count == 0) members = [Nobody()];
        return nats.WithUsers(members.Where(m => nats.Users.All(u => u.User != m.User)).DistinctBy(m => m.User));
    }

    /// <summary>Of the files, before anything is open.</summary>
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

    // A broker without users lets everybody in.
    private static NatsUser Nobody()
    {
        Span<byte> secret = stackalloc byte[32];
        SystemEntropy.Instance.Fill(secret);
        return new NatsUser { User = "edgesync-nobody", Password = Convert.ToHexStringLower(secret) };
    }
}
