using System.Globalization;

namespace EdgeSync.Storage.Content;

/// <summary>The repository's hash policy: read once per transaction, since every new artifact needs it.</summary>
internal sealed class HashPolicySetting(Repository repository)
{
    private HashPolicy? _known;

    public HashPolicy Value
    {
        get
        {
            if (_known is { } known && repository.Database.IsInTransaction) return known;

            var policy = HashPolicies.TryParse(repository.Settings["hash-policy"], out var set) ? set : Default();
            _known = policy;
            return policy;
        }

        set
        {
            repository.Settings.Set("hash-policy", ((int)value).ToString(CultureInfo.InvariantCulture));
            _known = value;
        }
    }

    public void Forget() => _known = null;

    // Spec: hname.c: a repository with SHA1 names only keeps them until a newer one arrives.
    private HashPolicy Default() =>
        repository.Database.QueryInt64(
            """
            SELECT EXISTS(SELECT 1 FROM blob WHERE length(uuid)>40)
                OR NOT EXISTS(SELECT 1 FROM blob WHERE length(uuid)=40)
            """) != 0
            ? HashPolicy.Sha3
            : HashPolicy.Auto;
}
