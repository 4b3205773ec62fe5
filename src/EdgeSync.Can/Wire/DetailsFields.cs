using EdgeSync.Can.Assets;

namespace EdgeSync.Can.Wire;

/// <summary>The fields 3 to 9 of messages about an asset: what users say about it. docs/formats/can.md.</summary>
internal static class DetailsFields
{
    public static void Write(ProtobufWriter writer, AssetDetails details)
    {
        writer.Text(3, details.MimeType);
        writer.Optional(4, details.Application);
        writer.Optional(5, details.User);
        writer.Optional(6, details.Description);
        writer.Optional(7, details.HumanFileName);
        writer.Optional(8, details.HumanPath);
        foreach (var tag in details.Tags) writer.Optional(9, tag);
    }

    /// <summary>Takes the present field, if it is one of them.</summary>
    public static void Read(ref ProtobufReader reader, ref AssetDetails details, List<string> tags)
    {
        switch (reader.Field)
        {
            case 3: details = details with { MimeType = reader.Text() }; break;
            case 4: details = details with { Application = reader.Text() }; break;
            case 5: details = details with { User = reader.Text() }; break;
            case 6: details = details with { Description = reader.Text() }; break;
            case 7: details = details with { HumanFileName = reader.Text() }; break;
            case 8: details = details with { HumanPath = reader.Text() }; break;
            case 9: tags.Add(reader.Text()); break;
            default: break;
        }
    }
}
