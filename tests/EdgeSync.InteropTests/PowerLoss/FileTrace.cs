using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.PowerLoss;

/// <summary>
/// What a program did to the files of one folder, call by call, and when it gave its answer: recorded by <c>strace</c>,
/// so that nothing that the program, SQLite or the base library does is left out.
/// </summary>
internal sealed partial class FileTrace
{
    private const string Calls =
        "openat,open,creat,write,pwrite64,writev,pwritev,pwritev2,lseek,ftruncate,truncate,fallocate," +
        "fsync,fdatasync,sync_file_range," +
        "rename,renameat,renameat2,unlink,unlinkat,link,linkat,close,dup,dup2,dup3,fcntl,copy_file_range,sendfile";

    private readonly string _folder;
    private readonly SimulatedFolder _files;
    private readonly Dictionary<int, OpenFile> _open = [];
    private readonly HashSet<int> _output = [1];   // the base library writes to a copy of it

    private FileTrace(string folder, SimulatedFolder files) => (_folder, _files) = (folder, files);

    /// <summary>The steps that changed a file or its name, or made one last; the answer is one of them.</summary>
    public List<Step> Steps { get; } = [];

    public static string? Program { get; } = new[]
    {
        "/usr/bin/strace",
        "/usr/local/bin/strace",
        "/bin/strace"
    }.FirstOrDefault(File.Exists);

    public static void SkipWhenMissing() => Skip.When(Program is null, "the strace program is not installed");

    /// <summary>
    /// Runs a command to its end and replays what it did to <paramref name="folder"/>, which is flat.
    /// </summary>
    public static FileTrace Record(
        EdgeSyncProgram edgesync, TemporaryFolder scratch, string folder, params string[] arguments) =>
        Record(edgesync, scratch, folder, scratch.Path, arguments);

    /// <summary>The same of a command that is given in a folder.</summary>
    public static FileTrace RecordIn(
        EdgeSyncProgram edgesync, TemporaryFolder scratch, string folder, params string[] arguments) =>
        Record(edgesync, scratch, folder, folder, arguments);

    private static FileTrace Record(
        EdgeSyncProgram edgesync, TemporaryFolder scratch, string folder, string current, string[] arguments)
    {
        var files = SimulatedFolder.Read(folder);
        var log = scratch[$"trace-{Guid.NewGuid():N}"];
        var start = edgesync.Start(arguments);
        var result = (start with
        {
            Program = Program!,
            Folder = current,
            Arguments = [
                "-f", "--seccomp-bpf", "-qq", "-xx", "-s", "100000000", "-e", $"trace={Calls}", "-o", log,
                start.Program, .. arguments],
        }).Run().MustSucceed();
        Assert.NotEmpty(result.OutputBytes);

        var trace = new FileTrace(folder, files);
        foreach (var line in Joined(File.ReadLines(log))) trace.Apply(line);
        Assert.Contains(trace.Steps, step => step.IsAnswer);

        // The replay stands on nothing if it does not end where the program did.
        Assert.Equal(SimulatedFolder.Read(folder).Now().Fingerprint, files.Now().Fingerprint);
        return trace;
    }

    // A call that another thread interrupts is written in two lines; it counts when it has come back.
    private static IEnumerable<string> Joined(IEnumerable<string> lines)
    {
        var begun = new Dictionary<string, string>();
        foreach (var line in lines)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var (thread, call) = (line[..space], line[space..].TrimStart());
            if (call.EndsWith("<unfinished ...>", StringComparison.Ordinal))
            {
                begun[thread] = call[..^"<unfinished ...>".Length];
            }
            else if (call.StartsWith("<... ", StringComparison.Ordinal))
            {
                yield return begun[thread] + call[(call.IndexOf('>', StringComparison.Ordinal) + 1)..];
            }
            else
            {
                yield return call;
            }
        }
    }

    private void Apply(string line)
    {
        if (CallLine().Match(line) is not { Success: true } match) return;

        var result = long.Parse(match.Groups["result"].Value, CultureInfo.InvariantCulture);
        if (result < 0) return;

        Apply(match.Groups["call"].Value, match.Groups["arguments"].Value, result);
    }

    private void Apply(string call, string text, long result)
    {
        var arguments = new CallArguments(text);
        switch (call)
        {
            case "openat" or "open" or "creat":
                Open(call, arguments, (int)result);
                break;
            case "close":
                _open.Remove(arguments.Number(0));
                _output.Remove(arguments.Number(0));
                break;
            case "dup" or "dup2" or "dup3":
                Duplicate(arguments.Number(0), (int)result);
                break;
            case "fcntl":
                if (arguments[1].StartsWith("F_DUPFD", StringComparison.Ordinal))
                    Duplicate(arguments.Number(0), (int)result);
                break;
            case "lseek":
                if (_open.TryGetValue(arguments.Number(0), out var sought)) sought.Position = result;
                break;
            case "write" when _output.Contains(arguments.Number(0)):
                Steps.Add(new Step("answer", _files.Now(), IsAnswer: true));
                break;
            case "write":
                if (Find(arguments) is { } written)
                {
                    Done(call, written.File.Write(written.Position, arguments.Bytes(1)[..(int)result]));
                    written.Position += result;
                }

                break;
            case "pwrite64":
                if (Find(arguments) is { } at)
                    Done(
                        call,
                        at.File.Write(
                            long.Parse(arguments[3], CultureInfo.InvariantCulture), arguments.Bytes(1)[..(int)result]));
                break;
            case "ftruncate":
                if (Find(arguments) is { } cut)
                    Done(call, cut.File.SetLength(long.Parse(arguments[1], CultureInfo.InvariantCulture)));
                break;
            case "fallocate":
                if (Find(arguments) is { } grown)
                    Done(
                        call,
                        grown.File.Grow(
                            long.Parse(
                                arguments[2], CultureInfo.InvariantCulture) + long.Parse(arguments[3],
                                CultureInfo.InvariantCulture)));
                break;
            case "fsync" or "fdatasync":
                if (!_open.TryGetValue(arguments.Number(0), out var flushed)) break;
                if (flushed.IsFolder) Done(call, _files.Flush());
                else Done(call, flushed.File.Flush());
                break;
            case "rename" or "renameat" or "renameat2":
                var names = call == "rename"
                    ? (NameOf(arguments.Path(0)), NameOf(arguments.Path(1)))
                    : (NameAt(arguments, 0), NameAt(arguments, 2));
                if (names is ({ } from, { } to)) Done($"{call} {from} {to}", _files.Rename(from, to));
                break;
            case "unlink" or "unlinkat":
                if ((call == "unlink" ? NameOf(arguments.Path(0)) : NameAt(arguments, 0)) is { } gone)
                    Done($"{call} {gone}", _files.Remove(gone));
                break;
            case "link" or "linkat":
                Assert.Null(call == "link" ? NameOf(arguments.Path(1)) : NameAt(arguments, 2));   // nobody does
                break;
            default:
                if (Find(arguments) is not null)
                    throw new NotSupportedException($"{call} writes to the folder, and the replay does not know it");
                break;
        }
    }

    private void Open(string call, CallArguments arguments, int descriptor)
    {
        var path = call == "openat" ? PathAt(arguments, 0) : arguments.Path(0);
        var flags = call switch { "openat" => arguments[2], "open" => arguments[1], _ => "O_CREAT|O_TRUNC" };
        if (path == _folder || path == _folder + "/.")
        {
            _open[descriptor] = new OpenFile(new SimulatedFile()) { IsFolder = true };
            return;
        }

        if (path is null || NameOf(path) is not { } name) return;

        var isNew = _files.Find(name) is null;
        if (isNew)
        {
            if (!flags.Contains("O_CREAT", StringComparison.Ordinal)) return;
            Done($"create {name}", _files.Create(name));
        }

        var file = _files.Find(name)!;
        if (!isNew && flags.Contains("O_TRUNC", StringComparison.Ordinal)) Done($"truncate {name}", file.SetLength(0));
        _open[descriptor] = new OpenFile(file);
    }

    private void Duplicate(int descriptor, int copy)
    {
        if (_open.TryGetValue(descriptor, out var same)) _open[copy] = same;
        if (_output.Contains(descriptor)) _output.Add(copy);
    }

    private OpenFile? Find(CallArguments arguments) =>
        _open.TryGetValue(arguments.Number(0), out var file) && !file.IsFolder ? file : null;

    private void Done(string what, bool hasChanged)
    {
        if (hasChanged) Steps.Add(new Step(what, _files.Now(), IsAnswer: false));
    }

    private string? PathAt(CallArguments arguments, int at)
    {
        var path = arguments.Path(at + 1);
        if (path.StartsWith('/')) return path;

        return arguments[at] != "AT_FDCWD" && _open.TryGetValue(arguments.Number(at), out var folder) && folder.IsFolder
            ? $"{_folder}/{path}"
            : null;
    }

    private string? NameAt(CallArguments arguments, int at) => PathAt(arguments, at) is { } path ? NameOf(path) : null;

    private string? NameOf(string path) =>
        path.StartsWith(_folder + "/", StringComparison.Ordinal) && path.LastIndexOf('/') == _folder.Length
            // an index in shared memory: of no meaning after a restart
            && !path.EndsWith("-shm", StringComparison.Ordinal)
            ? path[(_folder.Length + 1)..]
            : null;

    [GeneratedRegex(@"^(?<call>\w+)\((?<arguments>.*)\)\s+= (?<result>-?\d+)")]
    private static partial Regex CallLine();

    private sealed class OpenFile(SimulatedFile file)
    {
        public SimulatedFile File => file;

        public long Position { get; set; }

        public bool IsFolder { get; init; }
    }

    /// <summary>What stands in the brackets of a call, text as <c>\xHH</c>.</summary>
    private readonly struct CallArguments(string text)
    {
        // Text is escaped, so that a comma stands between arguments only, or in the lists of writev, which nobody uses
        // here.
        private readonly string[] _parts = text.Split(", ");

        public string this[int index] => _parts[index];

        public int Number(int index) => int.Parse(_parts[index], CultureInfo.InvariantCulture);

        public string Path(int index) => Encoding.UTF8.GetString(Bytes(index));

        public byte[] Bytes(int index) =>
            Convert.FromHexString(_parts[index].Trim('"').Replace("\\x", "", StringComparison.Ordinal));
    }
}

/// <summary>A moment at which the power may fail, and what the disk may then hold.</summary>
internal sealed record Step(string What, FolderState State, bool IsAnswer);
