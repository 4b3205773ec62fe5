using EdgeSync.Primitives;
using Microsoft.Extensions.Configuration;

namespace EdgeSync.Node.Settings;

/// <summary>One value of the settings in force, and its origin.</summary>
/// <param name="Path">As in the file: <c>nats.bind</c>, <c>repositories[0].poll</c>.</param>
/// <param name="Origin"><c>default</c>, a file's name, a variable or a flag.</param>
internal sealed record SettingValue(string Path, string Value, string Origin);

/// <summary>
/// The layers of a configuration, the later over the earlier: the file, then variables, then flags. The configuration
/// binder makes <see cref="NodeSettings"/> of them; a value in no layer has the default of its property.
/// </summary>
internal sealed class SettingLayers
{
    private readonly List<SettingLayer> _layers = [];

    /// <summary>Nothing was set so far.</summary>
    public bool IsEmpty => _layers.TrueForAll(l => l.IsEmpty);

    /// <summary>A password, a token or an address with one in it was set.</summary>
    public bool HoldsSecret => _layers.Any(l => l.Values.Any(v => Secrets.Redact(v.Path, v.Value) != v.Value));

    /// <summary>Adds a whole file. Unknown names and wrong types are reported with their place.</summary>
    /// <exception cref="EdgeSyncException">It is not JSON, or contains an invalid setting.</exception>
    public void AddFile(string name, ReadOnlySpan<byte> text) => Add(SettingsFile.Read(name, text));

    /// <summary>Sets one place; <c>[*]</c> stands for every present element of the list.</summary>
    /// <exception cref="EdgeSyncException">The value is invalid there.</exception>
    public void Set(string path, SettingInput value, string origin)
    {
        var star = path.IndexOf("[*]", StringComparison.Ordinal);
        if (star < 0)
        {
            Put(path, value, origin);
            return;
        }

        var list = path[..star];
        var elements = _layers.SelectMany(l => l.Elements(list)).Distinct(StringComparer.Ordinal).ToList();
        foreach (var element in elements) Put($"{list}[{element}]{path[(star + 3)..]}", value, origin);
    }

    public NodeSettings Bind()
    {
        // A null selects the default; the binder would set null.
        var given = new ConfigurationRoot([.. _layers]).AsEnumerable().Where(v => v.Value is not null);
        var settings = new NodeSettings();
        new ConfigurationBuilder().AddInMemoryCollection(given).Build().Bind(settings);
        return settings;
    }

    /// <summary>Every value in force, defaults included; secrets are redacted.</summary>
    public IReadOnlyList<SettingValue> Effective() =>
    [
        .. from value in SettingsJson.Flatten(Bind(), isByElement: true)
           select new SettingValue(value.Path, Secrets.Redact(value.Path, value.Value), OriginOf(value.Path)),
    ];

    private string OriginOf(string path) => _layers.FindLast(l => l.Has(path))?.Origin ?? "default";

    private void Put(string path, SettingInput value, string origin)
    {
        var layer = new SettingLayer(origin);
        if (value.IsList) layer.AddList(path);
        if (value is { IsList: true, Values.Count: 0 })
            layer.AddEmptyList(path, ofTexts: !SettingShape.At(path).Element.IsSection);
        foreach (var (below, given) in value.Values)
        {
            var (place, text) = (path + below, given);
            var shape = SettingShape.At(place);
            if (shape.IsSection)
            {
                layer.AddEmpty(place);
                continue;
            }

            if (shape.FaultOf(ref text) is { } fault)
                throw new EdgeSyncException(ErrorKind.Usage, $"{origin}: {place}: {fault}");

            layer.Add(place, text.Length == 0 ? null : text);
        }

        Add(layer);
    }

    private void Add(SettingLayer layer)
    {
        foreach (var lower in _layers) lower.RemoveReplaced(layer);
        _layers.Add(layer);
    }
}
