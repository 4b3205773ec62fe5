using System.Text;
using System.Text.Json.Serialization;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Primitives;

public class BoundaryJsonTests
{
    private static readonly Sample Before = new() { Name = "before", Count = 7, IsOn = true, Words = ["x"] };

    [Test]
    [Arguments("{}", "before", 7, true, "x")]
    [Arguments("""{"name":"a"}""", "a", 7, true, "x")]
    [Arguments("""{"name":null,"count":null,"is_on":null,"words":null}""", "before", 7, true, "x")]
    [Arguments("""{"is_on":false,"words":[],"unknown":{"deep":[1,null]}}""", "before", 7, false, "")]
    [Arguments("""{"count":1,"count":2}""", "before", 2, true, "x")]
    public void Absent_and_null_members_keep_the_value_from_before(
        string json, string name, int count, bool isOn, string words)
    {
        Assert.True(
            BoundaryJson.TryRead(Encoding.UTF8.GetBytes(json), Before, SampleContext.Default.Sample, out var read));

        Assert.Equal((name, count, isOn, words), (read.Name, read.Count, read.IsOn, string.Join(' ', read.Words)));
    }

    [Test]
    [Arguments("")]
    [Arguments("{")]
    [Arguments("[]")]
    [Arguments("null")]
    [Arguments("{} {}")]
    [Arguments("""{"name":1}""")]
    [Arguments("""{"name":"\ud800"}""")]
    [Arguments("""{"count":"1"}""")]
    [Arguments("""{"count":99999999999999999999}""")]
    [Arguments("""{"words":["a",null]}""")]
    [Arguments("""{"words":[1]}""")]
    public void A_member_of_the_wrong_type_refuses_the_object(string json)
    {
        Assert.False(
            BoundaryJson.TryRead(Encoding.UTF8.GetBytes(json), Before, SampleContext.Default.Sample, out var read));
        Assert.Same(Before, read);
    }

    [Test]
    [Arguments("{}", null, null, null)]
    [Arguments("""{"text":1,"number":"1","texts":{}}""", null, null, null)]
    [Arguments("""{"text":"a","number":5,"texts":["a",1,null,["b"],"c"],"unknown":1}""", "a", 5L, "a c")]
    [Arguments("""{"text":"\ud800","number":1.5,"texts":["\udc00","b"]}""", null, null, "b")]
    public void Lenient_reading_leaves_out_what_has_the_wrong_type(
        string json, string? text, long? number, string? texts)
    {
        Assert.True(
            BoundaryJson.TryReadLeniently(
                Encoding.UTF8.GetBytes(json), SampleContext.Default.LenientSample, out var read));

        Assert.Equal(
            (text, number, texts), (read.Text, read.Number, read.Texts is null ? null : string.Join(' ', read.Texts)));
    }

    [Test]
    [Arguments("")]
    [Arguments("7")]
    [Arguments("[]")]
    [Arguments("""{"text":"a"} 1""")]
    [Arguments("""{"text":"a" """)]
    public void Lenient_reading_requires_one_object(string json) =>
        Assert.False(
            BoundaryJson.TryReadLeniently(Encoding.UTF8.GetBytes(json), SampleContext.Default.LenientSample, out _));

    [Test]
    public void Invalid_UTF8_does_not_throw() => Property.Check(prng =>
    {
        var json = Mutation.OfBytes(
            prng, """{"name":"ä","count":1,"words":["b"],"text":"c","texts":["d"]}"""u8.ToArray(), []);

        BoundaryJson.TryRead(json, Before, SampleContext.Default.Sample, out _);
        BoundaryJson.TryReadLeniently(json, SampleContext.Default.LenientSample, out _);
    });
}

internal sealed record Sample
{
    public string Name { get; init; } = "";

    public int Count { get; init; }

    public bool IsOn { get; init; }

    public IReadOnlyList<string> Words { get; init; } = [];
}

internal sealed record LenientSample
{
    public string? Text { get; init; }

    public long? Number { get; init; }

    public List<string>? Texts { get; init; }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Sample))]
[JsonSerializable(typeof(LenientSample))]
internal sealed partial class SampleContext : JsonSerializerContext;
