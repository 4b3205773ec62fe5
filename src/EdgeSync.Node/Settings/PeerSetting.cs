using System.Diagnostics.CodeAnalysis;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>
/// A peer in the settings: an http, https, file, ssh or iroh address, or a path. The path need not exist, since a stick
/// may be missing; it begins with <c>/</c>, <c>./</c> or <c>../</c>, so that a mistyped address is not read as one.
/// </summary>
internal static class PeerSetting
{
    public static bool TryParse(string text, [NotNullWhen(true)] out PeerUrl? url)
    {
        if (PeerUrl.TryParseAny(text, out url)) return true;
        if (!text.StartsWith('/') && !text.StartsWith("./", StringComparison.Ordinal)
            && !text.StartsWith("../", StringComparison.Ordinal))
            return false;

        url = PeerUrl.OfFile(Path.GetFullPath(text).Replace('\\', '/'));
        return true;
    }
}
