using System.Text.Json;
using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Service;

/// <summary>
/// Reads what clients send about an asset: parts of a form, or members of a JSON object. Unknown names are ignored.
/// </summary>
public static class DetailsPatch
{
    /// <summary>Bytes of a body with members of JSON, at most.</summary>
    public const int SizeMax = 1 << 20;

    private enum Field
    {
        None,
        MimeType,
        HumanFileName,
        HumanPath,
        Application,
        User,
        Tags,
        Description,
    }

    /// <summary>Sets a part of a form; false for an unknown name.</summary>
    public static bool TryApply(string name, string value, ref AssetDetails details)
    {
        ArgumentNullException.ThrowIfNull(details);
        var field = FieldOf(name);
        if (field == Field.None) return false;

        details = field == Field.Tags ? details with { Tags = TagList.Parse(value) }
            : With(details, field, value.Length > 0 ? value : null);
        return true;
    }

    /// <summary>Applies the members of an object.</summary>
    /// <param name="body">A JSON object.</param>
    /// <param name="details">What they change.</param>
    /// <param name="canSetType">Whether <c>mime_type</c> may be among them.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? Apply(JsonElement body, ref AssetDetails details, bool canSetType)
    {
        ArgumentNullException.ThrowIfNull(details);
        if (body.ValueKind != JsonValueKind.Object) return "a JSON object is expected";

        foreach (var member in body.EnumerateObject())
        {
            var field = FieldOf(member.Name);
            if (field == Field.None || (field == Field.MimeType && !canSetType)) continue;

            var value = member.Value;
            if (field == Field.Tags)
            {
                if (!TryTags(value, out var tags)) return "tags is a list of texts, or one text with commas";
                details = details with { Tags = tags };
            }
            else if (value.ValueKind == JsonValueKind.String) details = With(details, field, value.GetString());
            else if (value.ValueKind == JsonValueKind.Null) details = With(details, field, null);
            else return $"{member.Name} is a text or null";
        }

        return details.Fault();
    }

    private static bool TryTags(JsonElement value, out IReadOnlyList<string> tags)
    {
        tags = [];
        switch (value.ValueKind)
        {
            case JsonValueKind.Null:
                return true;
            case JsonValueKind.String:
                tags = TagList.Parse(value.GetString());
                return true;
            case JsonValueKind.Array when value.EnumerateArray().All(t => t.ValueKind == JsonValueKind.String):
                tags = TagList.Normalize(value.EnumerateArray().Select(t => t.GetString()!));
                return true;
            default:
                return false;
        }
    }

    // The form's names and those of the metadata differ: both are taken.
    private static Field FieldOf(string name) => name switch
    {
        "mime_type" => Field.MimeType,
        "human_file_name" or "human_filename" => Field.HumanFileName,
        "human_readable_path" or "human_path" => Field.HumanPath,
        "application" => Field.Application,
        "user" => Field.User,
        "tags" => Field.Tags,
        "description" => Field.Description,
        _ => Field.None,
    };

    private static AssetDetails With(AssetDetails details, Field field, string? value) => field switch
    {
        Field.MimeType => details with { MimeType = value ?? MimeTypes.Unknown },
        Field.HumanFileName => details with { HumanFileName = value },
        Field.HumanPath => details with { HumanPath = value },
        Field.Application => details with { Application = value },
        Field.User => details with { User = value },
        _ => details with { Description = value },
    };
}
