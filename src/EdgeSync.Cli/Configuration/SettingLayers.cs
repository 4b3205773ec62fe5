using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Configuration;

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
    private readonly JsonObject _root = [];
    private readonly Dictionary<string, string> _origins = new(StringComparer.Ordinal);

    /// <summary>Adds a whole file. Unknown names and wrong types are told with their place.</summary>
    /// <exception cref="EdgeSyncException">It is no JSON, or does not say what we understand.</exception>
    public void AddFile(string name, ReadOnlySpan<byte> text)
    {
        JsonObject file;
        try
        {
            JsonSerializer.Deserialize(text, SettingsJson.Default.NodeSettings);   // for the line numbers of what is wrong
            var options = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            file = JsonNode.Parse(text, documentOptions: options)!.AsObject();
        }
        catch (JsonException e)
        {
            var line = e.LineNumber is { } number ? $" line {number + 1}" : "";
            throw new EdgeSyncException(ErrorKind.Usage, $"{name}{line}: {Reason(e)}", $"edgesync config validate --config {name}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new EdgeSyncException(ErrorKind.Usage, $"{name}: the settings are one JSON object", inner: e);
        }

        Merge(_root, file, "", name);
    }

    /// <summary>Sets one place; <c>[*]</c> stands for every element of the list.</summary>
    public void Set(string path, JsonNode value, string origin)
    {
        var star = path.IndexOf("[*]", StringComparison.Ordinal);
        if (star >= 0)
        {
            JsonNode? at = _root;
            foreach (var name in path[..star].Split('.')) at = (at as JsonObject)?[name];
            var list = at as JsonArray ?? [];
            for (var i = 0; i < list.Count; i++) Put(list[i]!.AsObject(), path[(star + 4)..], $"{path[..star]}[{i}].", value, origin);
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
            return _root.Deserialize(SettingsJson.Default.NodeSettings)!;
        }
        catch (JsonException e)
        {
            var origin = _origins.GetValueOrDefault((e.Path ?? "").TrimStart('$', '.'));
            throw new EdgeSyncException(ErrorKind.Usage, $"{origin ?? "settings"}: {Reason(e)}", inner: e);
        }
    }

    /// <summary>Every value in force, defaults included; what is secret is not shown.</summary>
    public IReadOnlyList<SettingValue> Effective()
    {
        var values = new List<SettingValue>();
        Flatten(JsonSerializer.SerializeToNode(Bind(), SettingsJson.Default.NodeSettings), "", values);
        return values;
    }

    private void Flatten(JsonNode? node, string path, List<SettingValue> values)
    {
        switch (node)
        {
            case JsonObject map:
                foreach (var (name, child) in map) Flatten(child, path.Length == 0 ? name : $"{path}.{name}", values);
                return;
            case JsonArray { Count: > 0 } list when list[0] is JsonObject:
                for (var i = 0; i < list.Count; i++) Flatten(list[i], $"{path}[{i}]", values);
                return;
            default:
                values.Add(new SettingValue(path, Secrets.Redact(path, node?.ToJsonString() ?? "null"), OriginOf(path)));
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

    private void Merge(JsonObject target, JsonObject source, string prefix, string origin)
    {
        foreach (var (name, value) in source)
        {
            var path = prefix + name;
            if (value is JsonObject map)
            {
                if (target[name] is not JsonObject into) target[name] = into = [];
                Merge(into, map, path + ".", origin);
                continue;
            }

            target[name] = value?.DeepClone();
            Mark(value, path, origin);
        }
    }

    // Elements that are objects carry an origin for each of their values, since a flag may set one in all of them.
    private void Mark(JsonNode? value, string path, string origin)
    {
        if (value is JsonArray { Count: > 0 } list && list[0] is JsonObject)
        {
            for (var i = 0; i < list.Count; i++) Mark(list[i], $"{path}[{i}]", origin);
        }
        else if (value is JsonObject map)
        {
            foreach (var (name, child) in map) Mark(child, $"{path}.{name}", origin);
        }
        else
        {
            _origins[path] = origin;
        }
    }

    private void Put(JsonObject at, string path, string prefix, JsonNode value, string origin)
    {
        var names = path.Split('.');
        foreach (var name in names[..^1])
        {
            if (at[name] is not JsonObject next) at[name] = next = [];
            at = next;
        }

        at[names[^1]] = value.DeepClone();
        Mark(value, prefix + path, origin);
    }

    private static string Reason(JsonException e)
    {
        var place = (e.Path ?? "").TrimStart('$', '.');
        var text = e.InnerException?.Message ?? e.Message;
        if (text.Contains("could not be mapped", StringComparison.Ordinal)) return $"nothing is called '{place}'";

        var end = text.IndexOf(" Path:", StringComparison.Ordinal);
        return $"{(place.Length > 0 ? place + ": " : "")}{(end < 0 ? text : text[..end])}";
    }
}
