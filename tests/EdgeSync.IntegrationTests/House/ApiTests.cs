using System.Reflection;
using EdgeSync.Tests.Support;
using PublicApiGenerator;

namespace EdgeSync.IntegrationTests.House;

/// <summary>
/// The public surface of each library is what docs/api says, so that a change of it is seen and wanted.
/// EDGESYNC_WRITE_API=1 writes it anew.
/// </summary>
public sealed class ApiTests
{
    [Test]
    [Arguments("Primitives")]
    [Arguments("Fossil")]
    [Arguments("Nats")]
    [Arguments("Quic")]
    [Arguments("Iroh")]
    [Arguments("Agent")]
    [Arguments("Can")]
    [Arguments("Storage")]
    [Arguments("Net")]
    [Arguments("Node")]
    public void The_public_surface_is_the_one_that_is_written_down(string library)
    {
        var now = Assembly.Load("EdgeSync." + library).GeneratePublicApi(new ApiGeneratorOptions
        {
            IncludeAssemblyAttributes = false,
            OrderBy = OrderMode.NamespaceThenFullName,
        }).ReplaceLineEndings("\n") + "\n";
        var file = Path.Combine(Vectors.RepositoryRoot, "docs", "api", $"EdgeSync.{library}.txt");
        if (Environment.GetEnvironmentVariable("EDGESYNC_WRITE_API") == "1") File.WriteAllText(file, now);

        Assert.Equal(File.ReadAllText(file).Split('\n'), now.Split('\n'));
    }
}
