using System.Buffers;
using System.Text;
using EdgeSync.Cli.Commands.History;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Diff;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>
/// Prints a stash as differences: to the contents that it was made of, or to the working files as applying it would
/// change them. Spec: stash_diff in stash.c.
/// </summary>
internal sealed class StashDiffPrinter(WorkingCheckout checkout, DiffFormat format, bool isToBase, Output output)
{
    private readonly ArrayBufferWriter<byte> _text = new();
    private readonly List<DiffFile> _files = [];

    public void Print(StashEntry entry)
    {
        foreach (var file in CheckoutStash.Files(checkout, entry)) Print(file);
        if (output.IsJson) output.Write(new DiffReport(isToBase ? entry.Hash : "", $"stash {entry.Id}", _files));
        else output.Raw.Write(_text.WrittenSpan);
    }

    private void Print(StashedFile file)
    {
        var after = CheckoutStash.TextOf(checkout, file);
        if (output.IsJson)
        {
            _files.Add(FileOf(file, after));
            return;
        }

        var name = PathText.ToBytes(file.Name);
        if (file.IsRemoved || file.Base.IsNone)
        {
            Put($"{(file.IsRemoved ? "DELETE" : "ADDED")} {file.Name}\n");
            FileDiffText.PutIndex(_text, name);
            if (!file.IsRemoved || isToBase) Differ(name, name, BeforeOf(file), after);
            return;
        }

        Put($"CHANGED {file.Name}\n");
        var before = BeforeOf(file);
        if (isToBase)
        {
            Differ(name, name, before, after);
            return;
        }

        if (before is not null && before.AsSpan().SequenceEqual(after)) return;

        Differ(before is null ? "/dev/null"u8.ToArray() : name, name, before, after);
    }

    private byte[]? BeforeOf(StashedFile file)
    {
        if (file.Base.IsNone) return null;
        if (!isToBase)
            return checkout.Disk.Find(file.OriginalName) is null ? null
                : CheckoutStash.Read(checkout, file.OriginalName);

        using var content = checkout.Repository.Content.Get(file.Base);
        return content.Span.ToArray();
    }

    private void Differ(byte[] left, byte[] right, byte[]? before, byte[] after)
    {
        FileDiffText.PutNames(_text, left, right, format);
        FileDiff.Write(before ?? [], after, format, _text);
        Put("\n");
    }

    private DiffFile FileOf(StashedFile file, byte[] after)
    {
        var text = new ArrayBufferWriter<byte>();
        var counts = FileDiff.Write(
            BeforeOf(file) ?? [], after,
            format with { Layout = DiffLayout.Unified, IsColoured = false, ShowsControls = false }, text);
        return new DiffFile(
            file.Name, file.IsRemoved ? "deleted" : file.Base.IsNone ? "added"
                : file.OriginalName != file.Name ? "renamed" : "changed",
            file.OriginalName != file.Name ? file.OriginalName : null, counts.Inserted, counts.Deleted,
            counts.IsBinary, Encoding.UTF8.GetString(text.WrittenSpan));
    }

    private void Put(string text) => FileDiffText.Put(_text, text);
}
