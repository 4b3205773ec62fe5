using System.Buffers;
using EdgeSync.Fossil.Checkout;

namespace EdgeSync.Fossil.Merge;

/// <summary>One of the three versions of a conflict.</summary>
public enum ConflictSide
{
    /// <summary>The common ancestor.</summary>
    Base,

    /// <summary>What was here before the merge.</summary>
    Local,

    /// <summary>What was merged in.</summary>
    Remote,
}

/// <summary>Reads a text with conflict markers.</summary>
public static class ConflictText
{
    /// <summary>The text with one version in place of each conflict; without markers it is as it was.</summary>
    /// <param name="text">As a merge left it, or edited since.</param>
    /// <param name="side">The version.</param>
    /// <param name="conflicts">How many conflicts there were.</param>
    public static byte[] Pick(ReadOnlySpan<byte> text, ConflictSide side, out int conflicts)
    {
        conflicts = 0;
        var output = new ArrayBufferWriter<byte>(text.Length);
        ConflictSide? within = null;
        while (!text.IsEmpty)
        {
            var end = text.IndexOf((byte)'\n');
            var line = end < 0 ? text : text[..(end + 1)];
            text = text[line.Length..];
            if (line.StartsWith(ConflictMarker.Begin))
            {
                within = ConflictSide.Local;
                conflicts++;
            }
            else if (within is not null && line.StartsWith(ConflictMarker.Ancestor)) within = ConflictSide.Base;
            else if (within is not null && line.StartsWith(ConflictMarker.Merged)) within = ConflictSide.Remote;
            else if (within is not null && line.StartsWith(ConflictMarker.End)) within = null;
            else if (within is null || within == side) output.Write(line);
        }

        return output.WrittenSpan.ToArray();
    }
}
