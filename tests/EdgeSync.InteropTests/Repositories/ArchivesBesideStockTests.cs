using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Storage.Sqlite;

namespace EdgeSync.InteropTests.Repositories;

/// <summary>Archives hold what stock's hold: names, order, kinds, permissions, times and contents.</summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class ArchivesBesideStockTests(GeneratedHistory histories)
{
    private static readonly string[] Versions = ["trunk", "root:trunk"];

    [Test]
    [Property("Fossil", "2.21")]
    [Arguments("zip")]
    [Arguments("tarball")]
    [Arguments("sqlar")]
    public void Every_entry_is_that_of_stock(string kind)
    {
        using var bench = new Workbench("archive");
        var repository = histories.CopyOf("kinds", bench.Folder, "a.fossil");
        bench.Stock.Run("settings", "manifest", "rut", "-R", repository);
        foreach (var version in Versions)
        {
            Make(bench, kind, version, "-R", repository);
            Assert.Equal(Entries(kind, bench["theirs"]), Entries(kind, bench["ours"]));
        }

        Make(bench, kind, "trunk", "--name", "", "--include", "src/*,*1*,manifest*", "-X", "*2*", "-R", repository);
        Assert.Equal(Entries(kind, bench["theirs"]), Entries(kind, bench["ours"]));
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void Long_names_links_and_names_beyond_ascii_arrive()
    {
        using var bench = new Workbench("archive");
        var repository = bench.NewRepository("a.fossil");
        var deep = string.Join('/', Enumerable.Repeat("a-folder-with-a-long-name", 5));
        var checkout = bench.Open(repository, "here")
            .Write($"{deep}/{new string('n', 90)}", "deep\n").Write($"{deep}/{new string('m', 120)}", "deeper\n")
            .Write("naïve.txt", "ü\n").Write("empty", "").Write("run.sh", "#!/bin/sh\n");
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(checkout["link"], "empty");
            File.SetUnixFileMode(
                checkout["run.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        checkout.Commit("names");
        foreach (var kind in (string[])["zip", "tarball", "sqlar"])
        {
            Make(bench, kind, "tip", "-R", repository);
            Assert.Equal(Entries(kind, bench["theirs"]), Entries(kind, bench["ours"]));
        }
    }

    [Test]
    [Property("Fossil", "2.21")]
    public void The_list_is_that_of_stock()
    {
        using var bench = new Workbench("archive");
        var repository = histories.CopyOf("kinds", bench.Folder, "a.fossil");
        string[] words = ["zip", "trunk", "/dev/null", "--list", "-R", repository];

        Assert.Equal(bench.Stock.Run(words).Output, bench.Ours.RunAsFossil(bench.Folder.Path, words).Output);
        Assert.Equal(3, bench.Ours.Try("repo", "zip", "nosuch", bench["none"], "-R", repository).ExitCode);
        Assert.False(File.Exists(bench["none"]));
    }

    private static void Make(Workbench bench, string kind, string version, params string[] options)
    {
        foreach (var name in (string[])["theirs", "ours"]) File.Delete(bench[name]);
        bench.Stock.Run([kind, version, bench["theirs"], .. options]);
        bench.Ours.RunAsFossil(bench.Folder.Path, [kind, version, bench["ours"], .. options]);
    }

    private static List<string> Entries(string kind, string path) => kind switch
    {
        "zip" => ZipEntries(path),
        "tarball" => TarEntries(path),
        _ => SqlarEntries(path),
    };

    private static List<string> ZipEntries(string path)
    {
        using var archive = ZipFile.OpenRead(path);
        var times = TimesOf(File.ReadAllBytes(path));
        var entries = new List<string>();
        foreach (var entry in archive.Entries)
        {
            using var content = new MemoryStream();
            using (var stream = entry.Open()) stream.CopyTo(content);
            entries.Add(
                $"{entry.FullName} {entry.ExternalAttributes:x} {entry.LastWriteTime.DateTime:s} {entry.Crc32:x} "
                    + Convert.ToHexString(content.ToArray()));
        }

        return [.. entries, times];
    }

    // The first UTC time of the archive, which the class library does not show: "UT", 9 bytes, both times.
    private static string TimesOf(byte[] archive)
    {
        var at = archive.AsSpan().IndexOf("UT\x09\0\x03"u8);
        return at < 0 ? "none" : Convert.ToHexString(archive.AsSpan(at + 5, 8));
    }

    private static List<string> TarEntries(string path)
    {
        using var file = File.OpenRead(path);
        using var gzip = new GZipStream(file, CompressionMode.Decompress);
        using var reader = new TarReader(gzip);
        var entries = new List<string>();
        while (reader.GetNextEntry() is { } entry)
        {
            using var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            // Stock leaves the target of a link in the headers that follow.
            var link = entry.EntryType == TarEntryType.SymbolicLink ? entry.LinkName : "";
            entries.Add(
                $"{entry.Name} {entry.EntryType} {entry.Mode} {entry.ModificationTime:u} {link} {entry.Uid} "
                    + $"{(entry as PosixTarEntry)?.UserName} {Convert.ToHexString(content.ToArray())}");
        }

        return entries;
    }

    private static List<string> SqlarEntries(string path)
    {
        using var database = Database.Open(path, new DatabaseOptions { Access = DatabaseAccess.Read });
        using var select = database.Prepare("SELECT name, mode, mtime, sz, data FROM sqlar ORDER BY rowid");
        var entries = new List<string>();
        while (select.Step())
        {
            var (size, data) = (select.Int64(3), select.Bytes(4).ToArray());
            if (size > 0 && data.Length != size)
            {
                using var packed = new ZLibStream(new MemoryStream(data), CompressionMode.Decompress);
                using var content = new MemoryStream();
                packed.CopyTo(content);
                data = content.ToArray();
            }

            entries.Add(
                $"{select.Text(0)} {select.Int64(1)} {select.Int64(2)} {size} {select.ColumnType(4)} "
                    + Encoding.Latin1.GetString(data));
        }

        return entries;
    }
}
