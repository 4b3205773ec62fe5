using EdgeSync.Primitives;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// A write transaction, begun IMMEDIATE so that it never has to upgrade a read lock (which fails at once when another
/// program wrote in between). Dispose without <see cref="Commit"/> rolls back. Transactions nest: only the outermost
/// one touches the disk, and an inner one that was not committed dooms the outer.
/// </summary>
public sealed class Transaction : IDisposable
{
    private readonly Database _database;
    private bool _isOpen = true;

    internal Transaction(Database database) => _database = database;

    public void Commit()
    {
        Invariant.Require(_isOpen);
        _isOpen = false;
        _database.EndTransaction(commit: true);
    }

    public void Dispose()
    {
        if (!_isOpen) return;

        _isOpen = false;
        _database.EndTransaction(commit: false);
    }
}
