using System.Xml.Linq;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.House;

/// <summary>
/// Who may reference whom. A new edge changes this table and docs/ARCHITECTURE.md in one commit, with an ADR that says why.
/// </summary>
public sealed class LayeringTests
{
    private static readonly Dictionary<string, string[]> Projects = new()
    {
        ["EdgeSync.Primitives"] = [],
        ["EdgeSync.Fossil"] = ["EdgeSync.Primitives"],
        ["EdgeSync.Nats"] = ["EdgeSync.Primitives"],
        ["EdgeSync.Agent"] = ["EdgeSync.Fossil", "EdgeSync.Nats", "EdgeSync.Primitives"],
        ["EdgeSync.Storage"] = ["EdgeSync.Fossil", "EdgeSync.Primitives"],
        ["EdgeSync.Net"] = ["EdgeSync.Nats", "EdgeSync.Primitives"],
        ["EdgeSync.Cli"] =
            ["EdgeSync.Agent", "EdgeSync.Fossil", "EdgeSync.Nats", "EdgeSync.Net", "EdgeSync.Primitives", "EdgeSync.Storage"],
    };

    private static readonly Dictionary<string, string[]> Packages = new()
    {
        ["EdgeSync.Nats"] = ["BCrypt.Net-Next", "NATS.NKeys"],
        ["EdgeSync.Storage"] = ["SQLitePCLRaw.bundle_e_sqlite3"],
        ["EdgeSync.Cli"] = ["System.CommandLine"],
    };

    private static readonly string[] Cores = ["EdgeSync.Primitives", "EdgeSync.Fossil", "EdgeSync.Nats", "EdgeSync.Agent"];

    private static string Sources => Path.Combine(Vectors.RepositoryRoot, "src");

    [Test]
    public void Knows_every_project() =>
        Assert.Equal(
            Projects.Keys.Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Sources, "*.csproj", SearchOption.AllDirectories)
                .Select(p => Path.GetFileNameWithoutExtension(p)!).Order(StringComparer.Ordinal));

    [Test]
    [MethodDataSource(nameof(Names))]
    public void References_only_what_its_layer_may(string project)
    {
        var file = Load(project);

        var references = file.Descendants("ProjectReference").Select(r => NameOf(r.Attribute("Include")!.Value)).Order(StringComparer.Ordinal);
        var packages = file.Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value);

        Assert.Subset(Projects[project].ToHashSet(), references.ToHashSet());
        Assert.Subset(Packages.GetValueOrDefault(project, []).ToHashSet(), packages.ToHashSet());
    }

    [Test]
    public void Cores_have_their_purity_checked()
    {
        foreach (var core in Cores)
        {
            Assert.Contains(Load(core).Descendants("Import"), i => i.Attribute("Project")!.Value.EndsWith("Core.props", StringComparison.Ordinal));
            Assert.Empty(Load(core).Descendants("FrameworkReference"));
        }
    }

    [Test]
    public void Nothing_above_storage_can_name_the_types_of_SQLite() =>
        Assert.Equal("compile", Load("EdgeSync.Storage").Descendants("PackageReference").Single().Attribute("PrivateAssets")?.Value);

    [Test]
    public void Reflection_stays_out() =>
        Assert.Empty(XDocument.Load(Path.Combine(Vectors.RepositoryRoot, "rd.xml")).Root!.Elements());

    [Test]
    public void Unit_tests_reference_only_cores() =>
        Assert.Subset(
            Cores.ToHashSet(),
            XDocument.Load(Path.Combine(Vectors.RepositoryRoot, "tests", "EdgeSync.UnitTests", "EdgeSync.UnitTests.csproj"))
                .Descendants("ProjectReference").Select(r => NameOf(r.Attribute("Include")!.Value)).ToHashSet());

    public static TheoryData<string> Names() => [.. Projects.Keys];

    private static XDocument Load(string project) => XDocument.Load(Path.Combine(Sources, project, project + ".csproj"));

    private static string NameOf(string include) => Path.GetFileNameWithoutExtension(include.Replace('\\', '/'));
}
