using System.Text;
using EdgeSync.Fossil.Artifacts;

namespace EdgeSync.UnitTests.Fossil.Artifacts;

public sealed class ArtifactParserTests
{
    private const string Control = """
        D 2024-01-11T00:00:00.000
        T +sym-v1.0 bc96eb4afc8d36f52788fe598348a8a754244a3ecbc2eb72112294381f7bba83
        U tester
        Z d5cb8cecd518998baa2d3b7981b678c5

        """;

    [Test]
    public void Reads_a_control_artifact()
    {
        Assert.True(
            ArtifactParser.TryParse(Encoding.UTF8.GetBytes(Control), out var artifact, out var fault),
            fault.ToString());

        Assert.Equal(ArtifactKind.Control, artifact.Kind);
        Assert.Equal("2024-01-11T00:00:00.000", DateText.Format(artifact.Date));
        Assert.Equal("tester"u8, artifact.User);
        Assert.Equal(1, artifact.Tags.Count);
        Assert.Equal("sym-v1.0"u8, artifact.Tags[0].Name);
        Assert.Equal(TagAction.Single, artifact.Tags[0].Action);
        Assert.StartsWith("bc96eb4afc", artifact.Tags[0].Target.ToString(), StringComparison.Ordinal);
    }

    [Test]
    public void Rejects_a_wrong_checksum()
    {
        var text = Encoding.UTF8.GetBytes(Control.Replace("tester", "Tester", StringComparison.Ordinal));

        Assert.False(ArtifactParser.TryParse(text, out _, out var fault));
        Assert.Equal(ArtifactFaultKind.WrongChecksum, fault.Kind);
    }
}
