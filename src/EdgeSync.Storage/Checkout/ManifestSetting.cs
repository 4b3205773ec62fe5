namespace EdgeSync.Storage.Checkout;

/// <summary>The setting <c>manifest</c>: which files about a check-in are written beside its own.</summary>
// Spec: db_get_manifest_setting in db.c.
public static class ManifestSetting
{
    /// <summary>Their names.</summary>
    /// <param name="text">The setting; null when it is not set.</param>
    public static IReadOnlyList<string> Names(string? text)
    {
        text = text?.Trim() ?? "off";
        if (Settings.IsTrue(text)) return ["manifest", "manifest.uuid"];
        if (Settings.IsFalse(text)) return [];

        var names = new List<string>();
        if (text.Contains('r', StringComparison.Ordinal)) names.Add("manifest");
        if (text.Contains('u', StringComparison.Ordinal)) names.Add("manifest.uuid");
        if (text.Contains('t', StringComparison.Ordinal)) names.Add("manifest.tags");
        return names;
    }
}
