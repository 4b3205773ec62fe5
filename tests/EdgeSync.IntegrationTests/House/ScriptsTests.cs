using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.House;

/// <summary>The scripts of the repository, as a person meets them.</summary>
public sealed class ScriptsTests
{
    private static string Folder => Path.Combine(Vectors.RepositoryRoot, "scripts");

    public static TheoryData<string> Scripts() =>
        [.. Directory.EnumerateFiles(Folder, "*.sh").Select(file => Path.GetFileName(file)).Except(["lib.sh"]).Order()];

    [Test]
    [MethodDataSource(nameof(Scripts))]
    public void Help_prints_the_usage_and_does_nothing_else(string name)
    {
        var run = new ProgramStart("/bin/bash") { Arguments = [Path.Combine(Folder, name), "--help"] }.Run();

        run.MustSucceed();
        Assert.StartsWith($"usage: scripts/{name}", run.Output, StringComparison.Ordinal);
        Assert.Equal("", run.Errors);
        Assert.DoesNotContain("set -", run.Output, StringComparison.Ordinal);
    }
}
