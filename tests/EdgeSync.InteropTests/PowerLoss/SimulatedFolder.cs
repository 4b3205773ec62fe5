using System.Security.Cryptography;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.InteropTests.PowerLoss;

/// <summary>
/// A folder as the page cache has it and as the disk surely has it. Contents are sure after an fsync of the file, names
/// after one of the folder; between the two anything may be the case. File systems are kinder; none may be relied upon
/// to be.
/// </summary>
internal sealed class SimulatedFolder
{
    private readonly Dictionary<string, SimulatedFile> _names = new(StringComparer.Ordinal);

    // What the names have been since they were last made sure, in the order of the calls.
    private readonly List<Dictionary<string, SimulatedFile>> _mayBe = [];

    public static SimulatedFolder Read(string folder)
    {
        var read = new SimulatedFolder();
        foreach (var path in Directory.EnumerateFiles(folder).Where(p => !p.EndsWith("-shm", StringComparison.Ordinal)))
            read._names[Path.GetFileName(path)] = new SimulatedFile(File.ReadAllBytes(path));
        read._mayBe.Add(new(read._names));
        return read;
    }

    public SimulatedFile? Find(string name) => _names.GetValueOrDefault(name);

    public bool Create(string name)
    {
        _names[name] = new SimulatedFile();
        return Remember();
    }

    public bool Rename(string from, string to)
    {
        _names[to] = _names[from];
        _names.Remove(from);
        return Remember();
    }

    public bool Remove(string name) => _names.Remove(name) && Remember();

    public bool Flush()
    {
        _mayBe.Clear();
        return Remember();
    }

    public FolderState Now() => new(
        [.. _mayBe.Select(names => names.ToDictionary(n => n.Key, n => n.Value.Now()))]);

    private bool Remember()
    {
        _mayBe.Add(new(_names));
        return true;
    }
}

/// <summary>The bytes of one file, whatever its name.</summary>
internal sealed class SimulatedFile
{
    private byte[] _sure;
    private byte[] _content;

    // One entry a write that is not sure yet: it may be on the disk, or not.
    private List<Func<byte[], byte[]>> _unsure = [];

    public SimulatedFile(byte[]? content = null) => _sure = _content = content ?? [];

    public bool Write(long offset, byte[] bytes) => Change(content =>
    {
        var changed = new byte[Math.Max(content.Length, offset + bytes.Length)];
        content.CopyTo(changed, 0);
        bytes.CopyTo(changed, offset);
        return changed;
    });

    public bool SetLength(long length) => Change(content =>
    {
        var changed = new byte[length];
        content.AsSpan(0, (int)Math.Min(length, content.Length)).CopyTo(changed);
        return changed;
    });

    public bool Grow(long length) => length > _content.Length && SetLength(length);

    public bool Flush()
    {
        _sure = _content;
        _unsure = [];
        return true;
    }

    public FileState Now() => new(_sure, _content, [.. _unsure]);

    private bool Change(Func<byte[], byte[]> change)
    {
        _content = change(_content);
        _unsure.Add(change);
        return true;
    }
}

/// <summary>What is sure of a file at a moment, what it is for a reader, and what lies between.</summary>
internal sealed record FileState(byte[] Sure, byte[] Content, IReadOnlyList<Func<byte[], byte[]>> Unsure)
{
    /// <summary>Some of the writes reached the disk, some did not.</summary>
    public byte[] Some(Prng prng)
    {
        var content = Sure;
        foreach (var write in Unsure)
            if (prng.Chance(0.5)) content = write(content);
        return content;
    }
}

/// <summary>
/// Everything that the disk may hold when the power fails at a moment. The last names are those that programs see.
/// </summary>
internal sealed record FolderState(IReadOnlyList<Dictionary<string, FileState>> Names)
{
    /// <summary>What a reader sees, in one word.</summary>
    public string Fingerprint => FingerprintOf(Contents(Names[^1], file => file.Content));

    /// <summary>After the program was killed: what every reader sees.</summary>
    public Dictionary<string, byte[]> AfterKill() => Contents(Names[^1], file => file.Content);

    /// <summary>
    /// After a power loss: nothing that is not sure, names alone, contents alone, all of it, and a few by chance.
    /// </summary>
    public IEnumerable<Dictionary<string, byte[]>> AfterPowerLoss(Prng prng)
    {
        yield return Contents(Names[0], file => file.Sure);
        yield return Contents(Names[^1], file => file.Sure);
        yield return Contents(Names[0], file => file.Content);
        yield return Contents(Names[^1], file => file.Content);
        for (var i = 0; i < 2; i++) yield return Contents(Names[prng.NextInt32(Names.Count)], file => file.Some(prng));
    }

    public static string FingerprintOf(Dictionary<string, byte[]> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, content) in files.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\0{content.Length}\0"));
            hash.AppendData(content);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static Dictionary<string,
        byte[]> Contents(Dictionary<string, FileState> names, Func<FileState, byte[]> choose) =>
        names.ToDictionary(n => n.Key, n => choose(n.Value));
}
