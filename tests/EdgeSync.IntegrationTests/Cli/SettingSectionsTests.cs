using EdgeSync.Tests.Support;
using System.Text.Json;
using EdgeSync.Node.Settings;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>A property of the settings that somebody adds and no section describes fails here.</summary>
public sealed class SettingSectionsTests
{
    public static TheoryData<Type> Sections() =>
        [.. typeof(NodeSettings).Assembly.GetTypes().Where(t => t.IsClass && typeof(ISettingSection).IsAssignableFrom(t))];

    [Test]
    [MethodDataSource(nameof(Sections))]
    public void A_section_of_the_settings_describes_every_property(Type type)
    {
        var map = SettingFields.Write((ISettingSection)Activator.CreateInstance(type)!);

        var properties = type.GetProperties().Where(p => p.SetMethod is not null).Select(p => JsonNamingPolicy.SnakeCaseLower.ConvertName(p.Name));
        Assert.Equal(properties, map.Names);
    }
}
