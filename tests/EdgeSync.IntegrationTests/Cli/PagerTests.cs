using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>Long output on a terminal.</summary>
public sealed class PagerTests
{
    [Test]
    [Arguments(3, false)]
    [Arguments(4, true)]
    public void A_text_longer_than_the_terminal_goes_through_the_pager(int lines, bool isPaged)
    {
        using var terminal = new MemoryStream();
        using var pager = new MemoryStream();
        var text = string.Concat(Enumerable.Range(0, lines).Select(i => $"line {i}\n"));
        var isLeft = new Ending();

        using (var paged = new PagedStream(terminal, linesMax: 3, () => (pager, isLeft)))
            foreach (var c in Encoding.UTF8.GetBytes(text)) paged.WriteByte(c);

        Assert.Equal(isPaged ? "" : text, Encoding.UTF8.GetString(terminal.ToArray()));
        Assert.Equal(isPaged ? text : "", Encoding.UTF8.GetString(pager.ToArray()));
        Assert.Equal(isPaged, isLeft.IsDisposed);
    }

    [Test]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void A_terminal_gets_the_pager_and_a_pipe_does_not()
    {
        using var program = new EdgeSyncProgram();
        program.Variables["EDGESYNC_PAGER"] = "sed 's/^/paged /'";
        var command = $"'{EdgeSyncProgram.Program}' help repo";

        var terminal = (program.StartAs("script", "-qec", command, "/dev/null") with { Folder = program.Folder }).Run();
        var pipe = program.Run("help", "repo");

        Assert.Contains("paged Usage", terminal.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("paged", pipe.Output, StringComparison.Ordinal);
    }

    private sealed class Ending : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
