using System.Text;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Shared;

namespace EdgeSync.UnitTests.Nats.Wire;

public class NatsSubjectTests
{
    [Theory]
    [InlineData("a", true, true)]
    [InlineData("a.b-c.$X_7.é", true, true)]
    [InlineData("foo*", true, true)]
    [InlineData("a.>b", true, true)]
    [InlineData("*", true, false)]
    [InlineData(">", true, false)]
    [InlineData("a.*.b.>", true, false)]
    [InlineData("", false, false)]
    [InlineData(".", false, false)]
    [InlineData("a.", false, false)]
    [InlineData(".a", false, false)]
    [InlineData("a..b", false, false)]
    [InlineData("a.>.b", false, false)]
    [InlineData("a b", false, false)]
    [InlineData("a\tb", false, false)]
    [InlineData("a\r", false, false)]
    [InlineData("a\n", false, false)]
    public void Knows_what_may_be_subscribed_and_published_to(string subject, bool valid, bool literal)
    {
        Assert.Equal(valid, NatsSubject.IsValid(Bytes(subject)));
        Assert.Equal(literal, NatsSubject.IsLiteral(Bytes(subject)));
        Assert.Equal(valid && !literal, valid && NatsSubject.HasWildcard(Bytes(subject)));
    }

    [Theory]
    [InlineData("a.b", "a.b", true)]
    [InlineData("a.b", "a.B", false)]
    [InlineData("a.*", "a.b", true)]
    [InlineData("a.*", "a", false)]
    [InlineData("a.*", "a.b.c", false)]
    [InlineData("a.>", "a.b.c", true)]
    [InlineData("a.>", "a", false)]
    [InlineData(">", "a", true)]
    [InlineData("*.b", "a.b", true)]
    [InlineData("foo*", "foobar", false)]
    [InlineData("foo*", "foo*", true)]
    [InlineData("a.*", "a.*", true)]
    [InlineData("a.>", "a.*", true)]
    [InlineData("a.b", "a.*", false)]
    [InlineData(">", ">", true)]
    [InlineData("a", ">", false)]
    [InlineData(">", "a..b", false)]
    [InlineData(">", ".a", false)]
    [InlineData("a.*", "a.", false)]
    public void Matches_tokens(string pattern, string subject, bool expected) =>
        Assert.Equal(expected, NatsSubject.Matches(Bytes(pattern), Bytes(subject)));

    [Theory]
    [InlineData(">", "a.>", true)]
    [InlineData("a.>", ">", false)]
    [InlineData("a.*", "a.b", true)]
    [InlineData("a.*", "a.>", false)]
    [InlineData("a.>", "a.*", true)]
    [InlineData("a.*.c", "a.*.c", true)]
    [InlineData("a.b", "a.*", false)]
    [InlineData("a", "a.b", false)]
    public void Knows_what_covers_what(string outer, string inner, bool expected) =>
        Assert.Equal(expected, NatsSubject.Covers(Bytes(outer), Bytes(inner)));

    /// <summary>Against all subjects of up to three tokens out of two letters.</summary>
    [Fact]
    public void Cover_and_overlap_mean_what_matching_says() => Property.Check(
        prng =>
        {
            var (one, other) = (Pattern(prng), Pattern(prng));
            var subjects = AllSubjects().ToArray();
            var inOne = subjects.Where(subject => NatsSubject.Matches(Bytes(one), Bytes(subject))).ToHashSet();
            var inOther = subjects.Where(subject => NatsSubject.Matches(Bytes(other), Bytes(subject))).ToHashSet();

            Assert.Equal(inOne.Overlaps(inOther), NatsSubject.Overlaps(Bytes(one), Bytes(other)));
            if (NatsSubject.Covers(Bytes(one), Bytes(other))) Assert.Subset(inOne, inOther);
            else Assert.False(inOther.IsSubsetOf(inOne), $"{one} / {other}");
        },
        runs: 2000);

    // Three letters, one more than patterns use, so that '*' is never the same as all letters; one token more than patterns have.
    private static IEnumerable<string> AllSubjects(int tokens = 4) =>
        tokens == 0 ? [] : new[] { "x", "y", "z" }.SelectMany(head => AllSubjects(tokens - 1).Select(rest => $"{head}.{rest}").Prepend(head));

    private static string Pattern(Prng prng)
    {
        var tokens = Enumerable.Range(0, prng.NextInt32(1, 4)).Select(_ => prng.Pick<string>(["x", "y", "*"])).ToList();
        if (prng.Chance(0.3)) tokens[^1] = ">";
        return string.Join('.', tokens);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
