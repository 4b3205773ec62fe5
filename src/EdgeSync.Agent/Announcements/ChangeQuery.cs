namespace EdgeSync.Agent.Announcements;

/// <summary>At most one query for changes is under way; further ones become one more.</summary>
internal sealed class ChangeQuery
{
    private bool _isOut;
    private bool _again;

    public bool IsOut => _isOut;

    /// <summary>The changes are local or pushed here.</summary>
    public bool IsOwn { get; private set; }

    /// <summary>Other nodes may not have received the changes.</summary>
    public bool MustRelay { get; private set; }

    /// <summary>True: query now.</summary>
    public bool Want(bool isOwn, bool mustRelay)
    {
        (IsOwn, MustRelay) = (IsOwn | isOwn, MustRelay | mustRelay);
        _again |= _isOut;
        return !_isOut && (_isOut = true);
    }

    public void OnAnswer() => _isOut = false;

    /// <summary>The changes have been announced.</summary>
    public void OnTold() => (IsOwn, MustRelay) = (false, false);

    /// <summary>After a reply. True: query once more.</summary>
    public bool TakeRepeat()
    {
        if (!_again) return false;

        (_again, _isOut) = (false, true);
        return true;
    }
}
