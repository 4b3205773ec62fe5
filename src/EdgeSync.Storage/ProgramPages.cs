using System.Globalization;
using System.Runtime.InteropServices;

namespace EdgeSync.Storage;

/// <summary>
/// The pages of the program's own file in memory. The kernel maps sixteen with each one that is touched, so that soon
/// after its start most of the file is resident (35 of 40 MB), although an idle node needs a third of it. Pages that
/// are not mapped stay in the page cache, are the first that a small machine takes back, and come back with a minor
/// fault.
/// </summary>
internal static partial class ProgramPages
{
    private const int DontNeed = 4;   // MADV_DONTNEED

    /// <summary>Unmaps the code and constants of the program; what is used comes back by itself.</summary>
    public static void Release()
    {
        if (!OperatingSystem.IsLinux() || Environment.ProcessPath is not { } program) return;

        try
        {
            // Safety: these pages are those of the file, whatever happens: a page without write access that was never
            // written is read again when it is touched. The program's file is mapped by the kernel at the start, and
            // nothing is mapped over it later.
            foreach (var (begin, end) in NeverWritten(File.ReadLines("/proc/self/smaps"), program))
                _ = Advise((nint)begin, (nint)(end - begin), DontNeed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /proc here: the pages stay.
        }
    }

    /// <summary>
    /// The mappings of a file without write access of which no page was ever written. (What the dynamic linker wrote
    /// before it took the access away, tables of addresses, is lost when it is unmapped.) Spec: proc_pid_smaps(5).
    /// </summary>
    internal static List<(ulong Begin, ulong End)> NeverWritten(IEnumerable<string> smaps, string file)
    {
        var found = new List<(ulong Begin, ulong End)>();
        (ulong Begin, ulong End)? current = null;
        foreach (var line in smaps)
        {
            if (TryParseMapping(line, file, out var mapping, out var isHead)) current = mapping;
            else if (isHead) current = null;
            else if (current is { } unwritten && line.StartsWith("Private_Dirty:", StringComparison.Ordinal))
            {
                if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] == "0") found.Add(unwritten);
                current = null;
            }
        }

        return found;
    }

    // BEGIN-END PERMISSIONS OFFSET DEVICE INODE PATH; the lines of values begin with a name and a colon.
    private static bool TryParseMapping(
        string line, string file, out (ulong Begin, ulong End) mapping, out bool isHead)
    {
        mapping = default;
        var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        isHead = !parts[0].EndsWith(':');
        if (!isHead || parts.Length < 6 || parts[1] is not ("r--p" or "r-xp") || parts[5].TrimStart() != file)
            return false;

        var range = parts[0].Split('-');
        mapping = (ulong.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            ulong.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        return true;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint begin, nint length, int advice);
}
