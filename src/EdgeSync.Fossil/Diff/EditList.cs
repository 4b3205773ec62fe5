namespace EdgeSync.Fossil.Diff;

/// <summary>
/// Steps from one text to another, as triples: lines to copy, lines to delete, lines to insert. The last triple is
/// zero.
/// </summary>
internal sealed class EditList
{
    private readonly List<int> _numbers = [];

    // Spec: appendTriple in diff.c.
    public void Append(int copied, int deleted, int inserted)
    {
        if (_numbers.Count > 0)
        {
            if (_numbers[^1] == 0 && (_numbers[^2] == 0 || copied == 0))
            {
                _numbers[^3] += copied;
                _numbers[^2] += deleted;
                _numbers[^1] += inserted;
                return;
            }

            if (copied == 0 && deleted == 0)
            {
                _numbers[^1] += inserted;
                return;
            }
        }

        _numbers.AddRange([copied, deleted, inserted]);
    }

    /// <summary>The triples with the closing one.</summary>
    public int[] Finish() => [.. _numbers, 0, 0, 0];
}
