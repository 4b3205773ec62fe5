namespace EdgeSync.Storage.Content;

/// <summary>
/// The origin of content: the <c>rcvfrom</c> row that new records point to, created with the first of them. One row
/// serves until the origin changes.
/// </summary>
public sealed class ReceiveLog
{
    private readonly Repository _repository;
    private long _receiveId;
    private long _userId;
    private string? _nonce;
    private string? _address;

    internal ReceiveLog(Repository repository) => _repository = repository;

    /// <summary>
    /// Sets the origin of what is stored from now on. False if another request has used this nonce: a replay.
    /// </summary>
    public bool TrySetOrigin(long userId, string? nonce, string? address)
    {
        if (nonce is not null)
        {
            using var select = _repository.Database.Prepare("SELECT 1 FROM rcvfrom WHERE nonce=?1");
            if (select.BindText(1, nonce).Step()) return false;
        }

        (_receiveId, _userId, _nonce, _address) = (0, userId, nonce, address);
        return true;
    }

    /// <summary>The row's id; creates the row on first use. Inside a transaction.</summary>
    internal long CurrentId()
    {
        if (_receiveId != 0) return _receiveId;

        using var insert = _repository.Database.Prepare(
            "INSERT INTO rcvfrom(uid,mtime,nonce,ipaddr) VALUES(?1,?2,?3,?4)");
        insert.Bind(1, _userId).Bind(2, _repository.Now.JulianDay).BindText(3, _nonce).BindText(4, _address).Run();
        return _receiveId = _repository.Database.LastInsertRowId;
    }

    /// <summary>The request is over: content stored next is local.</summary>
    internal void ClearOrigin() => (_receiveId, _userId, _nonce, _address) = (0, 0, null, null);

    /// <summary>A row that was rolled back is created again.</summary>
    internal void Forget() => _receiveId = 0;
}
