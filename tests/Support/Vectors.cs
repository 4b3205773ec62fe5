using System.Reflection;

namespace EdgeSync.Tests.Support;

/// <summary>Golden bytes under <c>tests/Vectors</c>, made by other programs; each folder has a README.</summary>
internal static class Vectors
{
    /// <summary>The checkout this test was built from.</summary>
    public static string RepositoryRoot { get; } = typeof(Vectors).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == "RepositoryRoot").Value!;

    public static string PathOf(params ReadOnlySpan<string> parts) =>
        Path.Combine([RepositoryRoot, "tests", "Vectors", .. parts]);

    public static byte[] Read(params ReadOnlySpan<string> parts) => File.ReadAllBytes(PathOf(parts));

    /// <summary>Files of one folder in ordinal order, without its README.</summary>
    public static IEnumerable<string> List(params ReadOnlySpan<string> parts) =>
        Directory.EnumerateFiles(PathOf(parts))
            .Where(p => Path.GetFileName(p) != "README.md")
            .Order(StringComparer.Ordinal);
}
