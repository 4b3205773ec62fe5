namespace EdgeSync.Tests.Support;

/// <summary>
/// A folder of its own for one test, gone at the end; <c>EDGESYNC_KEEP=1</c> keeps it and prints where.
/// </summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder(string purpose = "test") =>
        Path = Directory.CreateTempSubdirectory($"edgesync-{purpose}-").FullName;

    public string Path { get; }

    /// <summary>A path inside; nothing is created.</summary>
    public string this[params ReadOnlySpan<string> parts] => System.IO.Path.Combine([Path, .. parts]);

    /// <summary>A folder inside, created when missing.</summary>
    public string Folder(params ReadOnlySpan<string> parts) => Directory.CreateDirectory(this[parts]).FullName;

    public string Write(string name, ReadOnlySpan<byte> content)
    {
        var path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string Write(string name, string content) => Write(name, System.Text.Encoding.UTF8.GetBytes(content));

    public void Dispose()
    {
        if (Environment.GetEnvironmentVariable("EDGESYNC_KEEP") == "1")
        {
            Console.Error.WriteLine($"kept: {Path}");
            return;
        }

        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A server that is just going down may still write its journal; the operating system's cleaner takes the
            // rest.
        }
    }
}
