using EdgeSync.Tests.Support;
using System.Collections;
using System.Text;
using System.Text.Json;
using EdgeSync.Node.Settings;
using EdgeSync.Node.Status;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>What is written and read by hand says everything: a property that somebody adds and nobody writes fails here.</summary>
public sealed class JsonShapesTests
{
    public static TheoryData<Type> Sections() =>
        [.. typeof(NodeSettings).Assembly.GetTypes().Where(t => t.IsClass && typeof(ISettingSection).IsAssignableFrom(t))];

    public static TheoryData<Type> Objects() =>
    [
        .. new[] { typeof(NodeSettings).Assembly, typeof(EdgeSync.Nats.Broker.Monitoring.VarzReport).Assembly }
            .SelectMany(a => a.GetTypes()).Where(t => t.IsClass && typeof(IJsonObject).IsAssignableFrom(t)),
    ];

    [Test]
    [MethodDataSource(nameof(Sections))]
    public void A_section_of_the_settings_describes_every_property(Type type)
    {
        var map = SettingFields.Write((ISettingSection)Activator.CreateInstance(type)!);

        var properties = type.GetProperties().Where(p => p.SetMethod is not null).Select(p => NameOf(p.Name));
        Assert.Equal(properties, map.Names);
    }

    [Test]
    [MethodDataSource(nameof(Objects))]
    public void An_object_writes_every_property(Type type)
    {
        using var json = JsonDocument.Parse(JsonWriting.ToBytes((IJsonObject)Filled(type)!));

        var properties = PropertiesOf(type).Select(p => NameOf(p.Name)).Order(StringComparer.Ordinal);
        Assert.Equal(properties, json.RootElement.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    [Test]
    public void A_status_is_read_as_it_was_written()
    {
        var written = JsonWriting.ToBytes((NodeStatus)Filled(typeof(NodeStatus))!);

        using var json = JsonDocument.Parse(written);
        var read = NodeStatusReader.Read(json.RootElement);

        Assert.Equal(Encoding.UTF8.GetString(written), Encoding.UTF8.GetString(JsonWriting.ToBytes(read)));
    }

    private static string NameOf(string property) => JsonNamingPolicy.SnakeCaseLower.ConvertName(property);

    // The counters that several reports share stand among their own fields, as nats-server writes them.
    private static IEnumerable<System.Reflection.PropertyInfo> PropertiesOf(Type type) => type.GetProperties()
        .Where(p => p.Name != "IsLong")
        .SelectMany(p => p.PropertyType == typeof(EdgeSync.Nats.Broker.Monitoring.TrafficReport) ? PropertiesOf(p.PropertyType) : [p]);

    /// <summary>An object whose properties all say something, none of them their default.</summary>
    private static object? Filled(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return "x";
        if (type == typeof(bool)) return true;
        if (type == typeof(DateTime)) return DateTime.UnixEpoch.AddDays(9);
        if (type == typeof(DateTimeOffset)) return DateTimeOffset.UnixEpoch.AddDays(9);
        if (type.IsEnum) return Enum.GetValues(type).GetValue(1);
        if (type.IsPrimitive) return Convert.ChangeType(7, type, System.Globalization.CultureInfo.InvariantCulture);
        if (type.IsGenericType) return type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>) ? Dictionary(type) : List(type);

        var constructor = type.GetConstructors().OrderByDescending(c => c.GetParameters().Length).First();
        var made = constructor.Invoke([.. constructor.GetParameters().Select(p => Filled(p.ParameterType))]);
        foreach (var property in type.GetProperties().Where(p => p.SetMethod is not null)) property.SetValue(made, Filled(property.PropertyType));
        return made;
    }

    private static IList List(Type type)
    {
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(type.GetGenericArguments()))!;
        list.Add(Filled(type.GetGenericArguments()[0]));
        return list;
    }

    private static IDictionary Dictionary(Type type)
    {
        var map = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(type.GetGenericArguments()))!;
        map.Add("key", Filled(type.GetGenericArguments()[1]));
        return map;
    }
}
