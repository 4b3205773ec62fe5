using EdgeSync.Primitives;

namespace EdgeSync.Node.Status;

/// <summary>An asset store in one line for people.</summary>
internal static class AssetsText
{
    public static string Of(AssetsStatus assets)
    {
        if (assets.Error is { } error) return $"it cannot be read: {error}";

        var count = $"{DisplayText.Number(assets.Assets)} asset{(assets.Assets == 1 ? "" : "s")}";
        var corrupted = assets.Corrupted > 0 ? $", {DisplayText.Number(assets.Corrupted)} corrupted" : "";
        var mirror = assets.Mirror is { } part ? "; mirror: " + Of(part) : "";
        return $"{count}, {DisplayText.Bytes(assets.Bytes)}{corrupted}{mirror}";
    }

    private static string Of(AssetsMirrorStatus mirror) => mirror.State switch
    {
        "asking" => $"waits for a decision ({string.Join(", ", mirror.Questions)})",
        "paused" => "paused",
        "alone" => "no other store is connected",
        "in_sync" => $"in sync with {mirror.InSync} of {mirror.Stores} store{(mirror.Stores == 1 ? "" : "s")}",
        _ => $"syncing with {mirror.Connected} of {mirror.Stores} store{(mirror.Stores == 1 ? "" : "s")}, "
            + $"{DisplayText.Number(mirror.Missing)} missing here",
    };
}
