using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeSync.Can.Assets;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.Storage.Assets;

/// <summary>
/// The details of an asset beside its content, so that the index can be made again from the files: extended attributes
/// <c>user.can.*</c> of the file; where the file system has none, or no room for them, a file in <c>.details</c>.
/// </summary>
internal sealed class DetailsCopy(AssetFolder folder)
{
    private const string Prefix = "user.can.";

    // Most stores never have such a file, and then none is looked for.
    private volatile bool _hasFiles = Directory.Exists(folder.Details);

    /// <summary>Writes the copy; the caller flushes the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="hash">Of the asset.</param>
    /// <param name="details">All of them.</param>
    /// <param name="metaUpdatedAtMs">When they were changed last.</param>
    /// <param name="isNew">The file has no attributes yet, so that none need be removed.</param>
    public void Write(
        string path, AssetHash hash, AssetDetails details, long metaUpdatedAtMs, bool isNew = false)
    {
        var fits = true;
        foreach (var (name, value) in Fields(details, metaUpdatedAtMs).Where(f => !isNew || f.Value is not null))
            fits = fits && ExtendedAttributes.TrySet(path, Prefix + name, value);
        if (!fits) WriteFile(hash, new StoredDetails(details, metaUpdatedAtMs));
        else if (_hasFiles) File.Delete(FileOf(hash));
    }

    /// <summary>Details and the moment of their last change; those of an unknown file when there is no copy.</summary>
    public (AssetDetails Details, long MetaUpdatedAtMs) Read(string path, in AssetFileName name)
    {
        if (_hasFiles && ReadFile(name.Hash) is { } stored) return (stored.Details, stored.MetaUpdatedAtMs);

        var details = new AssetDetails
        {
            MimeType = ExtendedAttributes.Get(path, Prefix + "mime_type") ?? MimeTypes.Of(path),
            HumanFileName = ExtendedAttributes.Get(path, Prefix + "human_filename"),
            HumanPath = ExtendedAttributes.Get(path, Prefix + "human_path"),
            Application = ExtendedAttributes.Get(path, Prefix + "application"),
            User = ExtendedAttributes.Get(path, Prefix + "user"),
            Tags = TagList.Parse(ExtendedAttributes.Get(path, Prefix + "tags")),
            Description = ExtendedAttributes.Get(path, Prefix + "description"),
        };
        var isMoment = long.TryParse(
            ExtendedAttributes.Get(path, Prefix + "meta_updated_at"), NumberStyles.None, CultureInfo.InvariantCulture,
            out var updatedAt);
        return (details, isMoment ? updatedAt : name.TimestampMs);
    }

    public void Remove(AssetHash hash)
    {
        if (_hasFiles) File.Delete(FileOf(hash));
    }

    private static IEnumerable<(string Name, string? Value)> Fields(AssetDetails details, long metaUpdatedAtMs) =>
    [
        ("mime_type", details.MimeType),
        ("human_filename", details.HumanFileName),
        ("human_path", details.HumanPath),
        ("application", details.Application),
        ("user", details.User),
        ("tags", details.Tags.Count > 0 ? TagList.Join(details.Tags) : null),
        ("description", details.Description),
        ("meta_updated_at", metaUpdatedAtMs.ToString(CultureInfo.InvariantCulture)),
    ];

    private void WriteFile(AssetHash hash, StoredDetails stored)
    {
        Directory.CreateDirectory(folder.Details);
        if (!_hasFiles) DurableFile.FlushFolder(folder.Root);
        _hasFiles = true;
        var temporary = FileOf(hash) + ".tmp";
        File.WriteAllBytes(
            temporary, JsonSerializer.SerializeToUtf8Bytes(stored, StoredDetailsContext.Default.StoredDetails));
        DurableFile.Move(temporary, FileOf(hash), replaces: true);
    }

    private StoredDetails? ReadFile(AssetHash hash)
    {
        try
        {
            return JsonSerializer.Deserialize(
                File.ReadAllBytes(FileOf(hash)), StoredDetailsContext.Default.StoredDetails);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    private string FileOf(AssetHash hash) => Path.Combine(folder.Details, hash.ToString());
}

/// <summary>The content of a file in <c>.details</c>.</summary>
internal sealed record StoredDetails(AssetDetails Details, long MetaUpdatedAtMs);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StoredDetails))]
[JsonSerializable(typeof(AssetDetails))]
internal sealed partial class StoredDetailsContext : JsonSerializerContext;
