using EdgeSync.Can.Assets;
using EdgeSync.Can.Wire;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets.Mirror;

/// <summary>
/// What an agent knows of its service, in the <c>.can.db</c> of its folder (docs/formats/can.md), over one connection.
/// </summary>
internal sealed class ServiceRows(Database database)
{
    private const string PositionName = "position";
    private const string AppliedName = "applied";
    private const string EpochName = "epoch";

    /// <summary>Of the tables.</summary>
    public const string Tables =
        """
        CREATE TABLE IF NOT EXISTS service_assets (hash BLOB PRIMARY KEY, state BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS service_state (name TEXT PRIMARY KEY, value NOT NULL);
        """;

    public AssetState? Find(AssetHash hash)
    {
        using var select = database.Prepare("SELECT state FROM service_assets WHERE hash=?1");
        return Bind(select, hash).Step() && AssetState.TryParse(select.Bytes(0), out var state) ? state : null;
    }

    public void Put(AssetState state)
    {
        using var replace = database.Prepare("REPLACE INTO service_assets(hash,state) VALUES(?1,?2)");
        Bind(replace, state.Hash).BindBlob(2, state.ToArray()).Run();
    }

    public void Remove(AssetHash hash)
    {
        using var delete = database.Prepare("DELETE FROM service_assets WHERE hash=?1");
        Bind(delete, hash).Run();
    }

    public HashSet<AssetHash> Hashes()
    {
        var hashes = new HashSet<AssetHash>();
        using var select = database.Prepare("SELECT hash FROM service_assets");
        while (select.Step()) hashes.Add(new AssetHash(select.Bytes(0)));
        return hashes;
    }

    public (long Position, long Applied, string Epoch) State()
    {
        var (position, applied, epoch) = (0L, 0L, "");
        using var select = database.Prepare("SELECT name, value FROM service_state");
        while (select.Step())
        {
            switch (select.Text(0))
            {
                case PositionName: position = select.Int64(1); break;
                case AppliedName: applied = select.Int64(1); break;
                case EpochName: epoch = select.Text(1) ?? ""; break;
                default: break;
            }
        }

        return (position, applied, epoch);
    }

    public void SetPosition(long position, string epoch)
    {
        Set(PositionName, position);
        using var set = Setting(EpochName);
        set.BindText(2, epoch).Run();
    }

    public void SetApplied(long number) => Set(AppliedName, number);

    private void Set(string name, long value)
    {
        using var set = Setting(name);
        set.Bind(2, value).Run();
    }

    private Statement Setting(string name) =>
        database.Prepare("REPLACE INTO service_state(name,value) VALUES(?1,?2)").BindText(1, name);

    private static Statement Bind(Statement statement, AssetHash hash)
    {
        Span<byte> bytes = stackalloc byte[AssetHash.Size];
        hash.CopyTo(bytes);
        return statement.BindBlob(1, bytes);
    }
}
