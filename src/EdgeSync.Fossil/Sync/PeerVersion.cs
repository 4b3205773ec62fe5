using System.Globalization;
using EdgeSync.Fossil.Xfer;

namespace EdgeSync.Fossil.Sync;

/// <summary>The version that a program sends in <c>pragma client-version</c> and <c>server-version</c>.</summary>
/// <param name="Number">Release: 22100 is 2.21.</param>
/// <param name="Date">Of its source, as YYYYMMDD; 0 if not sent.</param>
/// <param name="Time">Of its source, as HHMMSS.</param>
public readonly record struct PeerVersion(int Number, int Date, int Time)
{
    /// <summary>
    /// The version that we send. At least 20000: otherwise peers send no SHA3 names; dated after 2020-04-13: otherwise
    /// they do not announce private artifacts; a release of 2.27 or newer makes the peer use the present protocol.
    /// </summary>
    public static PeerVersion Ours { get; } = new(22800, 20260315, 120000);

    /// <summary>Before 2.0 a program supports SHA1 names only.</summary>
    public bool KnowsSha3 => Number >= 20000;

    /// <summary>Understands <c>igot ID 1</c> without having requested private artifacts.</summary>
    public bool KnowsPrivateIGot => Date >= 20200413;

    /// <summary>Replies to <c>pragma req-clusters</c>.</summary>
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
