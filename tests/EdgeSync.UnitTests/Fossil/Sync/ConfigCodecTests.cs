using System.Text;
using EdgeSync.Fossil.Sync;
using EdgeSync.Fossil.Sync.Store;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Fossil.Sync;

public class ConfigCodecTests
{
    [Test]
    public void Reads_a_row_of_stock()
    {
        var body = "1795309470 'tester' pw 'd415' cap 's' info 'it''s me' photo x'00ff' jx '{}' nonsense 5"u8;

        Assert.True(ConfigCodec.TryParse(ConfigTable.User, body, out var row));
        Assert.Equal("tester", row.Key);
        Assert.Equal(1795309470, row.MtimeSeconds);
        Assert.Equal(["pw", "cap", "info", "photo", "jx"], row.Columns.Select(c => c.Column));
        Assert.Equal("it's me", row.Columns[2].Value.Value);
        Assert.Equal(new byte[] { 0, 255 }, row.Columns[3].Value.Value);
    }

    [Test]
    [Arguments("")]
    [Arguments("x 'a' value 'b'")]
    [Arguments("2440587.5 'All Tickets' cols 'x'")]
    [Arguments("5 a value 'b'")]
    [Arguments("5 'a' value 'b")]
    [Arguments("5 'a' value 'b'c'")]
    [Arguments("5 'a' value randomblob(5)")]
    [Arguments("5 'a' value x'0g'")]
    [Arguments("5 'a' value")]
    public void Rejects_an_invalid_literal(string body)
    {
        Assert.False(ConfigCodec.TryParse(ConfigTable.Config, Encoding.UTF8.GetBytes(body), out _));
    }

    [Test]
    public void Reads_what_it_wrote()
    {
        Property.Check(prng =>
        {
            var text = new string(
                [.. Enumerable.Range(0, prng.NextInt32(20)).Select(_ => (char)prng.NextInt32(32, 0x400))]);
            object? value =
                prng.NextInt32(3) switch { 0 => text, 1 => (long)prng.NextInt32(int.MaxValue), _ => prng.NextBytes(5) };
            var row = new ConfigRow(
                ConfigTable.Config, "k'" + text, prng.NextInt32(1000), [("value", new ConfigValue(value))]);

            Assert.True(ConfigCodec.TryParse(ConfigTable.Config, ConfigCodec.Write(row), out var back));
            Assert.Equal(row.Key, back.Key);
            Assert.Equal(row.MtimeSeconds, back.MtimeSeconds);
            Assert.Equal(value, back.Columns[0].Value.Value);
        });
    }

    [Test]
    public void Areas_are_those_of_stock()
    {
        Assert.Equal(ConfigAreas.Project, ConfigAreaNames.AreaOfSetting("project-name"));
        Assert.Equal(ConfigAreas.None, ConfigAreaNames.AreaOfSetting("last-sync-pw"));
        Assert.Equal(ConfigAreas.None, ConfigAreaNames.AreaOfSetting("project-code"));
        Assert.Equal(ConfigAreas.Skin | ConfigAreas.Css, ConfigAreaNames.Parse("/skin"));
        Assert.Equal(ConfigAreas.All, ConfigAreaNames.Parse("/all"));
        Assert.Equal(ConfigAreas.None, ConfigAreaNames.Parse("/nothing"));
        Assert.Equal(ConfigAreas.None, ConfigAreaNames.Parse("all"));
        Assert.Equal(["/all"], ConfigAreaNames.RequestsFor(ConfigAreas.All));
        Assert.Equal(["/shun", "/user"], ConfigAreaNames.RequestsFor(ConfigAreas.User | ConfigAreas.Shun));
    }
}
