using System.Globalization;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>What a program says of itself in <c>pragma client-version</c> and <c>server-version</c>.</summary>
/// <param name="Number">Release: 22100 is 2.21.</param>
/// <param name="Date">Of its source, as YYYYMMDD; 0 if not told.</param>
/// <param name="Time">Of its source, as HHMMSS.</param>
public readonly record struct PeerVersion(int Number, int Date, int Time)
{
    /// <summary>
    /// What we say. At least 20000: else nobody sends us SHA3 names; dated after 2020-04-13: else nobody tells us about
    /// private artifacts; a release of 2.27 or newer asks the peer to expect the present protocol.
    /// </summary>
    public static PeerVersion Ours { get; } = new(22800, 20260315, 120000);

    /// <summary>Before 2.0 a program knows SHA1 names only.</summary>
    public bool KnowsSha3 => Number >= 20000;

    /// <summary>Understands <c>igot ID 1</c> without having asked for private artifacts.</summary>
    public bool KnowsPrivateIGot => Date >= 20200413;

    /// <summary>Answers <c>pragma req-clusters</c>.</summary>
    public bool KnowsClusterRequest => Number >= 22600;

    public static PeerVersion Parse(in XferCard pragma) => new(
        XferNumber.ParseLeading(pragma[2]),
        pragma.Count >= 5 ? XferNumber.ParseLeading(pragma[3]) : 0,
        pragma.Count >= 5 ? XferNumber.ParseLeading(pragma[4]) : 0);

    internal void Write(XferWriter writer, ReadOnlySpan<byte> pragma) => writer.Pragma(
        pragma,
        Number.ToString(CultureInfo.InvariantCulture),
        Date.ToString(CultureInfo.InvariantCulture),
        Time.ToString("D6", CultureInfo.InvariantCulture));
}
