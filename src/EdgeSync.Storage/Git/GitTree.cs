using System.Buffers;
using System.Text;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;

namespace EdgeSync.Storage.Git;

/// <summary>
/// The files of a commit, sorted by the bytes of their names. A name is a string whose characters are bytes.
/// </summary>
internal sealed class GitTree
{
    private readonly SortedDictionary<string, GitFile> _files = new(StringComparer.Ordinal);

    // How many files are below each folder: a new file need not be compared with all others.
    private readonly Dictionary<string, int> _folders = new(StringComparer.Ordinal);

    /// <summary>The files of a check-in.</summary>
    public static GitTree Load(Repository repository, RecordId checkin)
    {
        var tree = new GitTree();
        foreach (var file in CheckInTree.Load(repository, checkin).Files)
        {
            tree.Set(Encoding.Latin1.GetString(file.Name), new GitFile(file.Id, file.Permission switch
            {
                FilePermission.Executable => 'x',
                FilePermission.Symlink => 'l',
                _ => '\0',
            }));
        }

        return tree;
    }

    /// <summary>Applies one change.</summary>
    /// <param name="change">The change.</param>
    /// <param name="id">The content of a file that is set.</param>
    public void Apply(TreeChangeCommand change, ArtifactId id)
    {
        switch (change.Kind)
        {
            case '*':
                _files.Clear();
                _folders.Clear();
                break;
            case 'D':
            case 'M' when change.IsSubmodule:
                RemoveAll(change.Path);
                break;
            case 'M' when change.Mode != "040000":
                MakeRoom(change.Path);
                Set(change.Path, new GitFile(id, change.Mode.EndsWith("755", StringComparison.Ordinal) ? 'x'
                    : change.Mode == "120000" ? 'l' : '\0'));
                break;
            case 'C' or 'R':
                var moved = Below(change.Path).Select(n => (change.To + n[change.Path.Length..], _files[n])).ToList();
                if (change.Kind == 'R') RemoveAll(change.Path);
                RemoveAll(change.To);
                foreach (var (name, file) in moved) Set(name, file);
                break;
        }
    }

    /// <summary>The F cards.</summary>
    public void Write(IBufferWriter<byte> cards)
    {
        foreach (var (name, file) in _files) cards.Write(file.CardOf(name));
    }

    // A file where a folder was, or the other way round, takes its place.
    private void MakeRoom(string path)
    {
        if (_files.ContainsKey(path)) return;
        if (_folders.ContainsKey(path)) RemoveAll(path);
        foreach (var folder in FoldersOf(path))
            if (_files.ContainsKey(folder)) RemoveAll(folder);
    }

    private void Set(string path, GitFile file)
    {
        if (!_files.ContainsKey(path))
        {
            foreach (var folder in FoldersOf(path))
                _folders[folder] = _folders.GetValueOrDefault(folder) + 1;
        }

        _files[path] = file;
    }

    private void RemoveAll(string path)
    {
        foreach (var name in Below(path))
        {
            _files.Remove(name);
            foreach (var folder in FoldersOf(name))
                if (--_folders[folder] == 0) _folders.Remove(folder);
        }
    }

    private List<string> Below(string path) =>
        _files.ContainsKey(path) ? [path]
        : path.Length == 0 ? [.. _files.Keys]
        : !_folders.ContainsKey(path) ? []
        : [.. _files.Keys.Where(n => n.StartsWith(path + "/", StringComparison.Ordinal))];

    private static IEnumerable<string> FoldersOf(string path)
    {
        for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = path.IndexOf('/', slash + 1))
            yield return path[..slash];
    }

    /// <summary>A file of the tree, with its card once that was made: most files are in many commits.</summary>
    private sealed class GitFile(ArtifactId id, char permission)
    {
        private (string Name, byte[] Card)? _card;

        public byte[] CardOf(string name)
        {
            // A moved file has another name.
            if (_card is { } known && known.Name == name) return known.Card;

            var card = new ArrayBufferWriter<byte>(name.Length + ArtifactId.HexLengthMax + 8);
            card.Write("F "u8);
            FossilText.Encode(Encoding.Latin1.GetBytes(name), card);
            card.Write(Encoding.ASCII.GetBytes(permission == '\0' ? $" {id}\n" : $" {id} {permission}\n"));
            _card = (name, card.WrittenSpan.ToArray());
            return _card.Value.Card;
        }
    }
}
