using System.Text.RegularExpressions;
using System.Xml.Linq;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.House;

/// <summary>
/// The allowed references. A new edge changes this table and docs/ARCHITECTURE.md in one commit, with an ADR that says
/// why.
/// </summary>
public sealed partial class LayeringTests
{
    private static readonly Dictionary<string, string[]> Projects = new()
    {
        ["EdgeSync.Primitives"] = [],
        ["EdgeSync.Fossil"] = ["EdgeSync.Primitives"],
        ["EdgeSync.Nats"] = ["EdgeSync.Primitives"],
        ["EdgeSync.Quic"] = ["EdgeSync.Primitives"],
        ["EdgeSync.Iroh"] = ["EdgeSync.Primitives", "EdgeSync.Quic"],
        ["EdgeSync.Agent"] = ["EdgeSync.Fossil", "EdgeSync.Nats", "EdgeSync.Primitives"],
        ["EdgeSync.Browser"] = ["EdgeSync.Agent", "EdgeSync.Fossil", "EdgeSync.Nats", "EdgeSync.Primitives"],
        ["EdgeSync.Browser.Wasm"] = ["EdgeSync.Browser"],
        ["EdgeSync.Can"] = ["EdgeSync.Iroh", "EdgeSync.Primitives"],
        ["EdgeSync.Storage"] = ["EdgeSync.Can", "EdgeSync.Fossil", "EdgeSync.Primitives"],
        ["EdgeSync.Net"] = ["EdgeSync.Iroh", "EdgeSync.Nats", "EdgeSync.Primitives", "EdgeSync.Quic"],
        ["EdgeSync.Node"] =
            [
                "EdgeSync.Agent", "EdgeSync.Can", "EdgeSync.Fossil", "EdgeSync.Iroh", "EdgeSync.Nats",
                "EdgeSync.Net", "EdgeSync.Primitives", "EdgeSync.Storage"],
        ["EdgeSync.Cli"] = ["EdgeSync.Fossil", "EdgeSync.Node", "EdgeSync.Primitives", "EdgeSync.Storage"],
    };

    private static readonly Dictionary<string, string[]> Packages = new()
    {
        ["EdgeSync.Browser.Wasm"] = ["NATS.Client.Core", "NATS.Client.JetStream"],
        ["EdgeSync.Can"] = ["Blake3", "BouncyCastle.Cryptography"],
        ["EdgeSync.Iroh"] = ["Blake3"],
        ["EdgeSync.Nats"] = ["BCrypt.Net-Next", "NATS.NKeys"],
        ["EdgeSync.Net"] = ["NATS.Client.Core", "NATS.Client.JetStream"],
        ["EdgeSync.Node"] =
            [
                "Markdig", "OpenTelemetry", "OpenTelemetry.Exporter.OpenTelemetryProtocol", "StbImageSharp",
                "StbImageWriteSharp", "YamlDotNet"],
        ["EdgeSync.Quic"] = ["BouncyCastle.Cryptography"],
        ["EdgeSync.Storage"] = ["SQLitePCLRaw.bundle_e_sqlite3"],
        ["EdgeSync.Cli"] = ["QRCoder", "System.CommandLine", "System.Drawing.Common"],
    };

    /// <summary>
    /// Folders of the node, from the bottom up: each sees only those of its row, which all stand above it.
    /// </summary>
    private static readonly (string Folder, string[] Sees)[] NodeFolders =
    [
        ("Settings", []),
        ("Status", []),
        ("Joining", ["Settings"]),
        ("Iroh", ["Joining", "Settings"]),
        ("Logging", ["Settings"]),
        ("Loops", ["Logging", "Settings"]),
        ("Metrics", ["Logging", "Settings", "Status"]),
        ("Sync", ["Iroh", "Metrics", "Settings"]),
        ("Watch", ["Logging", "Metrics", "Settings", "Status"]),
        ("Brokers", ["Logging", "Loops", "Settings", "Status", "Sync"]),
        ("Control", ["Logging", "Loops", "Settings", "Status", "Sync"]),
        ("Repositories", ["Joining", "Logging", "Loops", "Metrics", "Settings", "Status", "Sync"]),
        ("Notify", ["Brokers", "Loops", "Repositories", "Settings"]),
        ("Web", ["Joining", "Logging", "Metrics", "Notify", "Repositories", "Settings", "Status", "Sync"]),
        (
            "Agents",
            [
                "Brokers", "Iroh", "Logging", "Loops", "Metrics", "Notify", "Repositories", "Settings", "Status",
                "Sync", "Watch"]),
        (
            "Mesh",
            [
                "Agents", "Brokers", "Control", "Iroh", "Joining", "Loops", "Repositories", "Settings", "Status",
                "Sync"]),
        ("Can", ["Iroh", "Logging", "Loops", "Metrics", "Settings", "Watch", "Web"]),
        ("Doctor", ["Can", "Control", "Settings", "Status"]),
        (
            "Daemon",
            [
                "Agents", "Brokers", "Can", "Control", "Logging", "Loops", "Mesh", "Metrics", "Notify", "Repositories",
                "Settings", "Status", "Sync", "Web"]),
        (
            "Host",
            [
                "Control", "Daemon", "Iroh", "Joining", "Mesh", "Notify", "Repositories", "Settings", "Status",
                "Sync"]),
    ];

    private static readonly string[] Cores = [
        "EdgeSync.Primitives", "EdgeSync.Fossil", "EdgeSync.Nats", "EdgeSync.Quic", "EdgeSync.Iroh",
        "EdgeSync.Agent", "EdgeSync.Can", "EdgeSync.Browser"];

    private static string Sources => Path.Combine(Vectors.RepositoryRoot, "src");

    /// <summary>.NET's own client lets a SocketException pass that its documents do not name.</summary>
    [Test]
    public void Clients_of_http_are_made_in_one_place()
    {
        var made = Directory.EnumerateFiles(
            Path.Combine(Vectors.RepositoryRoot, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => HttpClientMade().IsMatch(File.ReadAllText(file))).Select(Path.GetFileName);

        Assert.Equal(
            ["CollectorHandler.cs", "HttpConnections.cs", "ReadyCommand.cs"], made.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"new HttpClient\(|HttpClient _\w+ = new\(")]
    private static partial Regex HttpClientMade();

    [Test]
    public void Covers_every_project() =>
        Assert.Equal(
            Projects.Keys.Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Sources, "*.csproj", SearchOption.AllDirectories)
                .Select(p => Path.GetFileNameWithoutExtension(p)!).Order(StringComparer.Ordinal));

    [Test]
    [MethodDataSource(nameof(Names))]
    public void References_only_what_its_layer_may(string project)
    {
        var file = Load(project);

        var references = file.Descendants("ProjectReference").Select(r => NameOf(r.Attribute("Include")!.Value))
            .Order(StringComparer.Ordinal);
        var packages = file.Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value);

        Assert.Subset(Projects[project].ToHashSet(), references.ToHashSet());
        Assert.Subset(Packages.GetValueOrDefault(project, []).ToHashSet(), packages.ToHashSet());
    }

    [Test]
    public void Commands_cannot_name_the_types_of_the_network_and_of_agents() =>
        Assert.Equal("true", Load("EdgeSync.Cli").Descendants("DisableTransitiveProjectReferences").Single().Value);

    [Test]
    public void Covers_every_folder_of_the_node() =>
        Assert.Equal(
            NodeFolders.Select(f => f.Folder).Order(StringComparer.Ordinal),
            NodeSources().Select(s => s.Folder).Distinct().Order(StringComparer.Ordinal));

    [Test]
    public void Folders_of_the_node_use_only_those_below()
    {
        for (var i = 0; i < NodeFolders.Length; i++)
            Assert.Subset(NodeFolders.Take(i).Select(f => f.Folder).ToHashSet(), NodeFolders[i].Sees.ToHashSet());

        foreach (var (folder, path, text) in NodeSources())
        {
            var allowed = NodeFolders.Single(f => f.Folder == folder).Sees.Append(folder).ToHashSet();
            var seen = NodeNamespace().Matches(text).Select(m => m.Groups[1].Value).ToHashSet();

            Assert.True(seen.IsSubsetOf(allowed), $"{path} sees {string.Join(", ", seen.Except(allowed))}");
        }
    }

    /// <summary>Primitives is one namespace: every project uses its few types.</summary>
    [Test]
    [MethodDataSource(nameof(NamesButPrimitives))]
    public void Namespaces_are_folders(string project)
    {
        var root = Path.Combine(Sources, project);
        foreach (var (folder, path, text) in SourcesOf(project))
        {
            var subfolder = Path.GetRelativePath(root, Path.GetDirectoryName(path)!).Replace('/', '.');
            var expected = folder.Length == 0 ? project : $"{project}.{subfolder}";
            Assert.Contains($"namespace {expected};", text, StringComparison.Ordinal);
        }
    }

    [Test]
    public void Cores_have_their_purity_checked()
    {
        foreach (var core in Cores)
        {
            Assert.Contains(
                Load(core).Descendants("Import"),
                i => i.Attribute("Project")!.Value.EndsWith("Core.props", StringComparison.Ordinal));
            Assert.Empty(Load(core).Descendants("FrameworkReference"));
        }
    }

    [Test]
    public void Nothing_above_storage_can_name_the_types_of_SQLite() =>
        Assert.Equal(
            "compile",
            Load("EdgeSync.Storage").Descendants("PackageReference").Single().Attribute("PrivateAssets")?.Value);

    [Test]
    [Arguments("EdgeSync.Nats")]
    [Arguments("EdgeSync.Net")]
    public void Nothing_above_can_name_the_types_of_NATS_packages(string project) =>
        Assert.All(
            Load(project).Descendants("PackageReference"),
            r => Assert.Equal("compile", r.Attribute("PrivateAssets")?.Value));

    [Test]
    public void Reflection_is_not_used() =>
        Assert.Empty(XDocument.Load(Path.Combine(Vectors.RepositoryRoot, "rd.xml")).Root!.Elements());

    [Test]
    public void Unit_tests_reference_only_cores() =>
        Assert.Subset(
            Cores.ToHashSet(),
            XDocument.Load(
                Path.Combine(Vectors.RepositoryRoot, "tests", "EdgeSync.UnitTests", "EdgeSync.UnitTests.csproj"))
                .Descendants("ProjectReference").Select(r => NameOf(r.Attribute("Include")!.Value)).ToHashSet());

    public static TheoryData<string> Names() => [.. Projects.Keys];

    public static TheoryData<string> NamesButPrimitives() => [.. Projects.Keys.Except(["EdgeSync.Primitives"])];

    private static IEnumerable<(string Folder, string Path, string Text)> NodeSources() => SourcesOf("EdgeSync.Node");

    /// <summary>The source files of a project; the folder is its first one, empty for the project's own.</summary>
    private static IEnumerable<(string Folder, string Path, string Text)> SourcesOf(string project)
    {
        var root = Path.Combine(Sources, project);
        return from path in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
               let parts = Path.GetRelativePath(root, path).Split('/', '\\')
               let folder = parts.Length == 1 ? "" : parts[0]
               where folder is not ("bin" or "obj")
               select (folder, path, File.ReadAllText(path));
    }

    [GeneratedRegex(@"EdgeSync\.Node\.(\w+)")]
    private static partial Regex NodeNamespace();

    private static XDocument Load(string project) =>
        XDocument.Load(Path.Combine(Sources, project, project + ".csproj"));

    private static string NameOf(string include) => Path.GetFileNameWithoutExtension(include.Replace('\\', '/'));
}
