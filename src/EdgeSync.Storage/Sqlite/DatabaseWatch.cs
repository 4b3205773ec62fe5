using System.Runtime.InteropServices;
using EdgeSync.Storage.Checkout;
using Microsoft.Win32.SafeHandles;

namespace EdgeSync.Storage.Sqlite;

/// <summary>
/// Reports that a database file, or a journal beside it, may have been written. The kernel watches writes to these
/// files only: changes of other files in their folder cause no wake-up, except the creation of one.
/// <code>
/// folder                      a file was made, or moved in: it may be a journal
/// database, -wal, -journal    written
/// </code>
/// </summary>
public sealed class DatabaseWatch : IDisposable
{
    private const uint Written = 0x2;                  // IN_MODIFY
    private const uint Made = 0x100 | 0x80;            // IN_CREATE | IN_MOVED_TO
    private const uint OnlyFolder = 0x01000000;        // IN_ONLYDIR
    private const int HeadBytes = 16;                  // watch 4, mask 4, cookie 4, length of the name 4

    private static readonly string[] Suffixes = ["", "-wal", "-journal"];

    private readonly SafeFileHandle _events;
    private readonly string _path;
    private readonly Action _changed;
    private readonly Thread _thread;
    private readonly int _folderWatch;
    private volatile bool _isDisposed;

    private DatabaseWatch(SafeFileHandle events, string path, int folderWatch, Action changed)
    {
        (_events, _path, _folderWatch, _changed) = (events, path, folderWatch, changed);
        WatchFiles();
        _thread = new Thread(Read) { IsBackground = true, Name = "watch " + Path.GetFileName(path) };
        _thread.Start();
    }

    /// <summary>Events received, for tests.</summary>
    internal long EventsRead { get; private set; }

    /// <summary>Null where the system cannot watch: then the caller has to poll.</summary>
    public static DatabaseWatch? TryStart(string path, Action changed)
    {
        if (!OperatingSystem.IsLinux() || Posix.OpenEvents() is not { } events) return null;

        // SQLite follows links, and keeps the journal beside the file that they lead to.
        var real = RealPath.Of(path);
        var folderWatch = Posix.AddWatch(events, Path.GetDirectoryName(real)!, Made | OnlyFolder);
        if (folderWatch >= 0) return new DatabaseWatch(events, real, folderWatch, changed);

        events.Dispose();
        return null;
    }

    public void Dispose()
    {
        if (_isDisposed) return;

        // The end of a watch is an event too: it wakes the thread.
        _isDisposed = true;
        Posix.RemoveWatch(_events, _folderWatch);
        _thread.Join();
        _events.Dispose();
    }

    // A watch that exists already stays.
    private void WatchFiles()
    {
        foreach (var suffix in Suffixes) _ = Posix.AddWatch(_events, _path + suffix, Written);
    }

    private void Read()
    {
        Span<byte> buffer = stackalloc byte[4096];
        var name = System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(_path));
        while (Posix.ReadEvents(_events, buffer) is var length and > 0 && !_isDisposed)
        {
            var hasChanged = false;
            for (var at = 0; at + HeadBytes <= length;)
            {
                EventsRead++;
                var watch = MemoryMarshal.Read<int>(buffer[at..]);
                var nameBytes = (int)MemoryMarshal.Read<uint>(buffer[(at + 12)..]);
                var isMade = watch == _folderWatch;
                if (isMade && !buffer.Slice(at + HeadBytes, nameBytes).StartsWith(name))
                {
                    at += HeadBytes + nameBytes;
                    continue;
                }

                if (isMade) WatchFiles();
                hasChanged = true;
                at += HeadBytes + nameBytes;
            }

            if (hasChanged) _changed();
        }
    }
}
