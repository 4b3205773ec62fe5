namespace EdgeSync.Agent.Announcements;

/// <summary>At most one question for changes is out; whatever is asked meanwhile becomes one more.</summary>
internal sealed class ChangeQuery
{
    private bool _isOut;
    private bool _again;

    public bool IsOut => _isOut;

    /// <summary>What is found was made or pushed here.</summary>
    public bool IsOwn { get; private set; }

    /// <summary>What is found others may not have heard of.</summary>
    public bool MustRelay { get; private set; }

    /// <summary>True: ask now.</summary>
    public bool Want(bool isOwn, bool mustRelay)
    {
        (IsOwn, MustRelay) = (IsOwn | isOwn, MustRelay | mustRelay);
        _again |= _isOut;
        return !_isOut && (_isOut = true);
    }

    public void OnAnswer() => _isOut = false;

    /// <summary>What was found has been told.</summary>
    public void OnTold() => (IsOwn, MustRelay) = (false, false);

    /// <summary>Behind an answer. True: ask once more.</summary>
    public bool AskAgain()
    {
        if (!_again) return false;

        (_again, _isOut) = (false, true);
        return true;
    }
}
