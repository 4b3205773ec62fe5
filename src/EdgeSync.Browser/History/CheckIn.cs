using System.Text;
using EdgeSync.Browser.Store;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.History;

/// <summary>A check-in, as its manifest says.</summary>
public sealed record CheckIn
{
    public required RecordId Rid { get; init; }

    public required ArtifactId Id { get; init; }

    public required Instant Date { get; init; }

    public string User { get; init; } = "";

    public string Comment { get; init; } = "";

    /// <summary>The primary parent first.</summary>
    public IReadOnlyList<ArtifactId> Parents { get; init; } = [];

    internal static CheckIn Of(Artifact manifest, ArtifactId id, RecordId rid) => new()
    {
        Rid = rid,
        Id = id,
        Date = manifest.Date,
        User = Encoding.UTF8.GetString(manifest.User),
        Comment = Encoding.UTF8.GetString(manifest.Comment),
        Parents = manifest.Parents.ToArray(),
    };

    internal void Write(RecordWriter writer)
    {
        writer.Begin(RecordKind.CheckIn).Int32((int)Rid.Value).Id(Id).Int64(Date.UnixTicks).Text(User).Text(Comment)
            .Int32(Parents.Count);
        foreach (var parent in Parents) writer.Id(parent);
    }

    internal static CheckIn Read(ref RecordReader reader)
    {
        var read = new CheckIn
        {
            Rid = new RecordId(reader.Int32()),
            Id = reader.Id(),
            Date = new Instant(reader.Int64()),
            User = reader.Text()!,
            Comment = reader.Text()!,
        };
        var parents = new ArtifactId[reader.Int32()];
        for (var i = 0; i < parents.Length; i++) parents[i] = reader.Id();
        return read with { Parents = parents };
    }
}

/// <summary>A tag that an artifact adds to a check-in, or cancels on one.</summary>
/// <param name="Target">The check-in.</param>
/// <param name="Date">Of the artifact that says so: the latest one counts.</param>
internal sealed record TagChange(ArtifactId Target, TagAction Action, string Name, string? Value, Instant Date)
{
    public static IEnumerable<TagChange> Of(Artifact artifact, ArtifactId id)
    {
        var changes = new List<TagChange>();
        if (artifact.Kind is not (ArtifactKind.CheckIn or ArtifactKind.Control)) return changes;

        foreach (var tag in artifact.Tags)
            changes.Add(
                new TagChange(
                    tag.IsSelf ? id : tag.Target, tag.Action, Encoding.UTF8.GetString(tag.Name),
                    tag.HasValue ? Encoding.UTF8.GetString(tag.Value) : null, artifact.Date));
        return changes;
    }

    public void Write(RecordWriter writer) =>
        writer.Begin(RecordKind.Tags).Id(Target).Byte((byte)Action).Text(Name).Text(Value).Int64(Date.UnixTicks);

    public static TagChange Read(ref RecordReader reader) =>
        new(reader.Id(), (TagAction)reader.Byte(), reader.Text()!, reader.Text(), new Instant(reader.Int64()));
}
