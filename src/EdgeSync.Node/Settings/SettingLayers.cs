using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Settings;

/// <summary>One value of the settings in force, and who set it.</summary>
/// <param name="Path">As in the file: <c>nats.bind</c>, <c>repositories[0].poll</c>.</param>
/// <param name="Origin"><c>default</c>, a file's name, a variable or a flag.</param>
internal sealed record SettingValue(string Path, string Value, string Origin);

/// <summary>
/// The layers of a configuration, laid over each other: the file, then the environment, then flags. The result is bound to
/// <see cref="NodeSettings"/>, which adds the defaults; each value remembers who set it.
/// </summary>
internal sealed class SettingLayers
{
    private readonly SettingMap _root = new();
    private readonly Dictionary<string, string> _origins = new(StringComparer.Ordinal);

    /// <summary>Nothing was set so far.</summary>
    public bool IsEmpty => _origins.Count == 0;

    /// <summary>Adds a whole file. Unknown names and wrong types are told with their place.</summary>
    /// <exception cref="EdgeSyncException">It is no JSON, or does not say what we understand.</exception>
    public void AddFile(string name, ReadOnlySpan<byte> text)
    {
        SettingMap file;
        try
        {
            if (text.Trim(" \t\r\n"u8).IsEmpty) throw new EdgeSyncException(ErrorKind.Usage, $"{name} is empty: the settings are one JSON object", "write {} for no settings");
            file = SettingNode.Parse(text) as SettingMap ?? throw new EdgeSyncException(ErrorKind.Usage, $"{name}: the settings are one JSON object");
            SettingFields.Read(file, new NodeSettings());   // what is wrong in it is told with its line
        }
        catch (JsonException e)
        {
            throw Refuse(name, e.LineNumber is { } before ? before + 1 : 0, Reason(e), e);
        }
        catch (SettingException e)
        {
            throw Refuse(name, e.Line, Reason(e), e);
        }

        Merge(_root, file, "", name);
    }

    /// <summary>A password, a token or an address with one in it stands in what was added so far.</summary>
    public bool HoldsSecret => HoldsSecretIn(_root, "");

    private static bool HoldsSecretIn(SettingNode node, string name) => node switch
    {
        SettingMap map => map.Names.Any(n => HoldsSecretIn(map[n]!, n)),
        SettingList list => list.Items.Any(item => HoldsSecretIn(item, name)),
        _ => Secrets.Redact(name, node.ToJson()) != node.ToJson(),
    };

    /// <summary>Sets one place; <c>[*]</c> stands for every element of the list.</summary>
    public void Set(string path, SettingNode value, string origin)
    {
        var star = path.IndexOf("[*]", StringComparison.Ordinal);
        if (star >= 0)
        {
            SettingNode? at = _root;
            foreach (var name in path[..star].Split('.')) at = (at as SettingMap)?[name];
            if (at is not SettingList list) return;

            for (var i = 0; i < list.Items.Count; i++) Put((SettingMap)list.Items[i], path[(star + 4)..], $"{path[..star]}[{i}].", value, origin);
        }
        else
        {
            Put(_root, path, "", value, origin);
        }
    }

    /// <exception cref="EdgeSyncException">A flag or variable has a value that its place does not take.</exception>
    public NodeSettings Bind()
    {
        try
        {
            var settings = new NodeSettings();
            SettingFields.Read(_root, settings);
            return settings;
        }
        catch (SettingException e)
        {
            throw new EdgeSyncException(ErrorKind.Usage, $"{_origins.GetValueOrDefault(e.Path) ?? "settings"}: {Reason(e)}", inner: e);
        }
    }

    /// <summary>Every value in force, defaults included; what is secret is not shown.</summary>
    public IReadOnlyList<SettingValue> Effective()
    {
        var values = new List<SettingValue>();
        Flatten(SettingFields.Write(Bind()), "", values);
        return values;
    }

    private void Flatten(SettingNode node, string path, List<SettingValue> values)
    {
        switch (node)
        {
            case SettingMap map:
                foreach (var name in map.Names) Flatten(map[name]!, path.Length == 0 ? name : $"{path}.{name}", values);
                return;
            case SettingList { Items: [SettingMap, ..] } list:
                for (var i = 0; i < list.Items.Count; i++) Flatten(list.Items[i], $"{path}[{i}]", values);
                return;
            default:
                values.Add(new SettingValue(path, Secrets.Redact(path, node.ToJson()), OriginOf(path)));
                return;
        }
    }

    private string OriginOf(string path)
    {
        // A list or a section that was set as a whole answers for its parts.
        for (var at = path; at.Length > 0; at = at[..Math.Max(0, at.LastIndexOfAny(['.', '[']))])
        {
            if (_origins.TryGetValue(at, out var origin)) return origin;
        }

        return "default";
    }

    private void Merge(SettingMap target, SettingMap source, string prefix, string origin)
    {
        foreach (var name in source.Names)
        {
            var path = prefix + name;
            var value = source[name]!;
            if (value is SettingMap map)
            {
                Merge(MapAt(target, name), map, path + ".", origin);
                continue;
            }

            target[name] = value.Clone();
            Mark(value, path, origin);
        }
    }

    // Elements that are objects carry an origin for each of their values, since a flag may set one in all of them.
    private void Mark(SettingNode value, string path, string origin)
    {
        if (value is SettingList { Items: [SettingMap, ..] } list)
        {
            for (var i = 0; i < list.Items.Count; i++) Mark(list.Items[i], $"{path}[{i}]", origin);
        }
        else if (value is SettingMap map)
        {
            foreach (var name in map.Names) Mark(map[name]!, $"{path}.{name}", origin);
        }
        else
        {
            _origins[path] = origin;
        }
    }

    private void Put(SettingMap at, string path, string prefix, SettingNode value, string origin)
    {
        var names = path.Split('.');
        foreach (var name in names[..^1]) at = MapAt(at, name);
        at[names[^1]] = value.Clone();
        Mark(value, prefix + path, origin);
    }

    private static SettingMap MapAt(SettingMap at, string name)
    {
        if (at[name] is SettingMap map) return map;

        var made = new SettingMap();
        at[name] = made;
        return made;
    }

    private static EdgeSyncException Refuse(string file, long line, string reason, Exception cause) =>
        new(ErrorKind.Usage, $"{file}{(line > 0 ? $" line {line}" : "")}: {reason}", "correct the file; edgesync config validate", cause);

    private static string Reason(SettingException e) => e.Message.Contains(e.Path, StringComparison.Ordinal) ? e.Message : $"{e.Path}: {e.Message}";

    // The library speaks of its reader, and tells the place once more, in its own way.
    private static string Reason(JsonException e)
    {
        var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var text = end < 0 ? e.Message : e.Message[..end];
        return text switch
        {
            _ when text.StartsWith("Expected depth", StringComparison.Ordinal) => "not valid JSON: the file ends before all braces and brackets are closed",
            _ when text.Contains("is invalid after", StringComparison.Ordinal) || text.Contains("is an invalid start", StringComparison.Ordinal) || text.Contains("Expected", StringComparison.Ordinal) =>
                "not valid JSON: " + text.TrimEnd('.').Replace("Expected", "expected", StringComparison.Ordinal),
            _ => text.TrimEnd('.'),
        };
    }
}
