namespace EdgeSync.Fossil.Diff;

/// <summary>What counts as the same line. The lines that are shown keep their text.</summary>
/// <param name="IgnoresTrailingSpace">White space at the end of a line does not count (<c>-Z</c>).</param>
/// <param name="IgnoresAllSpace">No white space counts (<c>-w</c>); stronger than the former.</param>
/// <param name="StripsTrailingCr">A carriage return at the end of a line is ignored.</param>
public readonly record struct DiffOptions(
    bool IgnoresTrailingSpace = false, bool IgnoresAllSpace = false, bool StripsTrailingCr = false)
{
    /// <summary>White space is compared otherwise than byte for byte.</summary>
    public bool IgnoresSpace => IgnoresTrailingSpace || IgnoresAllSpace;
}
