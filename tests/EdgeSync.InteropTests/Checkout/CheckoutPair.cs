using EdgeSync.InteropTests.Support;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Checkout;

/// <summary>Two equal copies of a repository with its checkout.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class CheckoutPair : IDisposable
{
    private const string Date = "2024-05-02T03:04:05.678";

    public CheckoutPair()
    {
        Bench = new Workbench("commit");
        var first = Bench.Folder.Folder("theirs");
        Bench.NewRepository("theirs/r.fossil");
        Bench.Stock.Run("settings", "autosync", "off", "-R", Bench["theirs/r.fossil"]);
        Bench.Stock.Run("settings", "allow-symlinks", "on", "-R", Bench["theirs/r.fossil"]);
        Bench.Stock.RunIn(Bench.Folder.Folder("theirs", "w"), "open", "../r.fossil");
        Theirs = new StockCheckout(Bench.Stock, Path.Combine(first, "w"));
        Theirs.Write("a.txt", "one\ntwo\nthree\n").Write("dir/b.txt", "b\n").Write("dir/deep/c.sh", "#!/bin/sh\n");
        File.SetUnixFileMode(
            Theirs["dir/deep/c.sh"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Theirs.Run("addremove");
        Theirs.Run("commit", "-m", "first", "--date-override", "2024-02-01", "--no-warnings");
        new ProgramStart("/bin/cp") { Arguments = ["-a", first, Bench["ours"]] }.Run().MustSucceed();
        Ours = new StockCheckout(Bench.Stock, Bench["ours/w"]);
    }

    /// <summary>Two copies of a folder that has <c>r.fossil</c> and the checkout <c>w</c>.</summary>
    public CheckoutPair(string template)
    {
        Bench = new Workbench("pair");
        foreach (var copy in (string[])["theirs", "ours"])
            new ProgramStart("/bin/cp") { Arguments = ["-a", template, Bench[copy]] }.Run().MustSucceed();
        Theirs = new StockCheckout(Bench.Stock, Bench["theirs/w"]);
        Ours = new StockCheckout(Bench.Stock, Bench["ours/w"]);
    }

    public Workbench Bench { get; }

    public StockCheckout Theirs { get; }

    public StockCheckout Ours { get; }

    public void Each(Action<StockCheckout> change, bool addRemove = false)
    {
        foreach (var checkout in (StockCheckout[])[Theirs, Ours])
        {
            change(checkout);
            if (addRemove) checkout.Run("addremove");
        }
    }

    public void Stock(params string[] arguments) => Each(c => c.Run(arguments));

    public string OursOutput(params ReadOnlySpan<string> arguments) =>
        Bench.Ours.RunIn(Ours.Folder, arguments).Output;

    public ProgramResult OursResult(params ReadOnlySpan<string> arguments) =>
        Bench.Ours.RunIn(Ours.Folder, arguments);

    public ProgramResult Try(params ReadOnlySpan<string> arguments) =>
        (Bench.Ours.Start(arguments) with { Folder = Ours.Folder }).Run();

    public void Commit(string comment, string[] options)
    {
        string[] line = ["commit", "-m", comment, "--date-override", Date, "--no-warnings", .. options];
        var theirs = Theirs.Run(line).Output;
        Assert.Equal(
            theirs.Split('\n').Where(l => l.StartsWith("New_Version", StringComparison.Ordinal)),
            OursOutput(line).Split('\n').Where(l => l.StartsWith("New_Version", StringComparison.Ordinal)));
    }

    /// <summary>The same files and rows.</summary>
    public void MustMatch() => CheckoutBench.MustBeEqual(Theirs, Ours, isOneRepository: false);

    /// <summary>The same, and both programs find the repository whole.</summary>
    public void MustBeEqual()
    {
        MustMatch();
        Bench.Ours.MustBeIntact(Bench["ours/r.fossil"]);
        Bench.Stock.MustBeIntact(Bench["ours/r.fossil"]);
    }

    public void Dispose() => Bench.Dispose();
}
