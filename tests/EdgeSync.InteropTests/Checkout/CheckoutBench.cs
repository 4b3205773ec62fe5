using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>A repository with one check-in, and checkouts of it made by either program and used by both.</summary>
internal sealed class CheckoutBench : IDisposable
{
    private static readonly string[] VersionVariables = ["checkout", "checkout-hash", "fingerprint"];

    public CheckoutBench()
    {
        Bench = new Workbench("checkout");
        Repository = Bench.NewRepository("r.fossil");
        Bench.Stock.Run("settings", "autosync", "off", "-R", Repository);
        Bench.Stock.Run("settings", "allow-symlinks", "on", "-R", Repository);
        var first = Bench.Open(Repository, "first");
        first.Write("a.txt", "one\ntwo\nthree\n").Write("dir/b.txt", "b\n").Write("dir/deep/c.sh", "#!/bin/sh\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(
                first["dir/deep/c.sh"],
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        first.Commit("first");
        First = first;
    }

    public Workbench Bench { get; }

    public string Repository { get; }

    /// <summary>A checkout that stock made.</summary>
    public StockCheckout First { get; }

    /// <summary>A checkout that we make.</summary>
    public StockCheckout OpenByUs(string folderName, params ReadOnlySpan<string> options)
    {
        var folder = Bench.Folder.Folder(folderName);
        Bench.Ours.RunIn(folder, ["open", Repository, .. options]);
        return new StockCheckout(Bench.Stock, folder);
    }

    public string Ours(StockCheckout checkout, params ReadOnlySpan<string> arguments) =>
        Bench.Ours.RunIn(checkout.Folder, arguments).Output;

    public ProgramResult TryOurs(StockCheckout checkout, params ReadOnlySpan<string> arguments) =>
        (Bench.Ours.Start(arguments) with { Folder = checkout.Folder }).Run();

    /// <summary>What a table of a checkout holds, one row a line.</summary>
    public static string[] Rows(StockCheckout checkout, string sql) =>
        RowsOf(checkout[".fslckout"], sql);

    /// <summary>The same of any database.</summary>
    public static string[] RowsOf(string path, string sql)
    {
        using var database = new SqliteFile(path);
        return [.. database.Query(sql).Select(row => string.Join('|', row))];
    }

    /// <summary>Rows of files and merges, times left out.</summary>
    public static string[] FileRows(StockCheckout checkout) =>
    [
        .. Rows(
            checkout,
            "SELECT vid,chnged,deleted,isexe,islink,rid,mrid,mtime IS NULL,pathname,origname,mhash FROM vfile"
                + " ORDER BY pathname"),
        .. Rows(checkout, "SELECT id,merge,mhash FROM vmerge ORDER BY id,mhash"),
    ];

    /// <summary>Both checkouts have the same tables, variables, rows and files.</summary>
    /// <param name="expected">Stock's.</param>
    /// <param name="actual">Ours.</param>
    /// <param name="isOneRepository">They are checkouts of the same file.</param>
    /// <param name="hasFolders">Folders count, too: stock leaves some empty that we remove.</param>
    public static void MustBeEqual(
        StockCheckout expected, StockCheckout actual, bool isOneRepository = true, bool hasFolders = true)
    {
        const string schema = "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name";
        // Stock 2.26 has a table more, and 2.28 another form of one; ours are those of 2.21, which every release takes.
        if (StockFossil.Release < new Version(2, 26)) Assert.Equal(Rows(expected, schema), Rows(actual, schema));
        Assert.Equal(FileRows(expected), FileRows(actual));
        foreach (var name in VersionVariables.Where(n => isOneRepository || n != "fingerprint"))
            Assert.Equal(
                Rows(expected, $"SELECT value FROM vvar WHERE name='{name}'"),
                Rows(actual, $"SELECT value FROM vvar WHERE name='{name}'"));
        Assert.Equal(
            FilesOf(expected.Folder).FindAll(f => hasFolders || !f.EndsWith('/')),
            FilesOf(actual.Folder).FindAll(f => hasFolders || !f.EndsWith('/')));
    }

    /// <summary>Names, kinds and contents below a folder, one a line; checkout databases left out.</summary>
    public static List<string> FilesOf(string folder)
    {
        var files = new List<string>();
        foreach (var path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(folder, path);
            if (Path.GetFileName(name).StartsWith(".fslckout", StringComparison.Ordinal)) continue;

            var info = new FileInfo(path);
            if (info.LinkTarget is { } target) files.Add($"{name} -> {target}");
            else if (Directory.Exists(path)) files.Add(name + "/");
            else files.Add($"{name} {Mode(info)} {Convert.ToHexString(File.ReadAllBytes(path))}");
        }

        files.Sort(StringComparer.Ordinal);
        return files;

        static string Mode(FileInfo file) =>
            !OperatingSystem.IsWindows() && (file.UnixFileMode & UnixFileMode.UserExecute) != 0 ? "x" : "-";
    }

    public void Dispose() => Bench.Dispose();
}
