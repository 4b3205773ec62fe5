using System.Runtime.InteropServices.JavaScript;
using EdgeSync.Browser.Store;
using EdgeSync.Primitives;

namespace EdgeSync.Browser.Wasm;

/// <summary>A file of the origin private file system, by the number of its synchronous access handle.</summary>
internal sealed partial class OpfsFile(int handle) : IStoreFile
{
    internal const string Module = "edgesync-worker.js";

    public long Length => Try(() => (long)LengthOf(handle));

    public void Read(long offset, Span<byte> target)
    {
        int read;
        try
        {
            read = Read(handle, offset, target);
        }
        catch (JSException e)
        {
            throw Failed(e);
        }

        if (read != target.Length)
            throw new EdgeSyncException(
                ErrorKind.Corrupt, $"the store ends at {offset + read}, but {target.Length} bytes were to be there",
                "remove the store and clone again");
    }

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        var copy = bytes.ToArray();
        try
        {
            Write(handle, offset, copy.AsSpan());
        }
        catch (JSException e)
        {
            throw Failed(e);
        }
    }

    public void Truncate(long length) => Try(() =>
    {
        Truncate(handle, length);
        return true;
    });

    public void Flush() => Try(() =>
    {
        Flush(handle);
        return true;
    });

    public void Dispose() => Close(handle);

    private static T Try<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (JSException e)
        {
            throw Failed(e);
        }
    }

    private static EdgeSyncException Failed(JSException e) =>
        new(ErrorKind.System, $"the browser's file system failed: {e.Message}", "free some space for this site", e);

    // Offsets are doubles, as JavaScript has them: exact up to 2^53.
    [JSImport("files.length", Module)]
    private static partial double LengthOf(int handle);

    [JSImport("files.read", Module)]
    private static partial int Read(int handle, double offset, [JSMarshalAs<JSType.MemoryView>] Span<byte> target);

    [JSImport("files.write", Module)]
    private static partial void Write(int handle, double offset, [JSMarshalAs<JSType.MemoryView>] Span<byte> bytes);

    [JSImport("files.truncate", Module)]
    private static partial void Truncate(int handle, double length);

    [JSImport("files.flush", Module)]
    private static partial void Flush(int handle);

    [JSImport("files.close", Module)]
    private static partial void Close(int handle);
}
