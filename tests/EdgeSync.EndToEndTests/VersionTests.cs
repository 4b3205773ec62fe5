using EdgeSync.Tests.Support;

namespace EdgeSync.EndToEndTests;

public sealed class VersionTests
{
    [Test]
    [Property("Arm64", "yes")]
    public void Version_lists_the_components_of_the_binary()
    {
        using var edgesync = new EdgeSyncProgram();

        var text = edgesync.Ok("--version");

        Assert.Matches(
            @"^edgesync \d+\.\d+\.\d+ \(commit \S+, \.NET \d+\.\d+\.\d+, SQLite 3\.\d+\.\d+, \S+\)\n$", text);
    }
}
