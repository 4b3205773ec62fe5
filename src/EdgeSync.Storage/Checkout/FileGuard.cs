using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Checkout;

/// <summary>Looks at the contents of a commit and does what is answered to its warnings.</summary>
internal sealed class FileGuard(WorkingCheckout checkout, CheckoutCommitOptions options)
{
    private const long LargeDefault = 200_000_000;

    private readonly NameGlob _lineEnds = checkout.Settings.Glob(
        checkout.Settings["crlf-glob"] is null ? "crnl-glob" : "crlf-glob");
    private readonly NameGlob _binary = checkout.Settings.Glob("binary-glob");
    private readonly NameGlob _encoding = checkout.Settings.Glob("encoding-glob");
    private readonly long _sizeMax = options.IgnoresSize ? 0 : SizeMaxOf(checkout);
    private bool _hasConverted;

    /// <summary>The setting <c>large-file-size</c>; 0: no limit.</summary>
    public static long SizeMaxOf(WorkingCheckout checkout) =>
        long.TryParse(
            checkout.Settings["large-file-size"], System.Globalization.CultureInfo.InvariantCulture, out var bytes)
            ? bytes : LargeDefault;

    /// <exception cref="EdgeSyncException">The answer is to abandon the commit.</exception>
    public void Check(DiskEntry entry, ReadOnlyMemory<byte> content)
    {
        if (WarningOf(entry.Name, content.Span) is not { } warning) return;

        switch (options.MayCommit(entry.Name, warning))
        {
            case WarningAnswer.Commit:
                return;
            case WarningAnswer.Convert when warning.IsConvertible:
                Convert(entry, content.Span);
                return;
            default:
                throw new EdgeSyncException(
                    ErrorKind.Conflict,
                    $"Abandoning commit due to {warning.Text} {(warning.Setting.Length == 0 ? "file" : "in")} "
                        + entry.Name,
                    warning.Setting.Length == 0 ? "--ignore-oversize" : $"--no-warnings, or the {warning.Setting}");
        }
    }

    /// <exception cref="EdgeSyncException">Files were converted.</exception>
    public void RequireNoneConverted()
    {
        if (_hasConverted)
            throw new EdgeSyncException(
                ErrorKind.Conflict,
                "one or more files were converted on your request; please re-test before committing",
                "edgesync diff");
    }

    /// <summary>Null without a warning.</summary>
    public FileWarning? WarningOf(string name, ReadOnlySpan<byte> content) =>
        _sizeMax > 0 && content.Length > _sizeMax ? FileWarning.Oversize
        : CommitWarning.Of(content, _lineEnds.Matches(name), _binary.Matches(name), _encoding.Matches(name));

    private void Convert(DiskEntry entry, ReadOnlySpan<byte> content)
    {
        var permission = entry.IsExecutable ? FilePermission.Executable : FilePermission.Regular;
        checkout.Disk.Write(checkout.FreeName(entry.Name, "original"), content, permission, replace: false);
        checkout.Disk.Write(entry.Name, CommitWarning.Convert(content), permission, replace: true);
        _hasConverted = true;
    }
}
