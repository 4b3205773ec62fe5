using System.Text;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Wire;

public class NatsSubjectTests
{
    [Test]
    [Arguments("a", true, true)]
    [Arguments("a.b-c.$X_7.é", true, true)]
    [Arguments("foo*", true, true)]
    [Arguments("a.>b", true, true)]
    [Arguments("*", true, false)]
    [Arguments(">", true, false)]
    [Arguments("a.*.b.>", true, false)]
    [Arguments("", false, false)]
    [Arguments(".", false, false)]
    [Arguments("a.", false, false)]
    [Arguments(".a", false, false)]
    [Arguments("a..b", false, false)]
    [Arguments("a.>.b", false, false)]
    [Arguments("a b", false, false)]
    [Arguments("a\tb", false, false)]
    [Arguments("a\r", false, false)]
    [Arguments("a\n", false, false)]
    public void Validates_subjects_for_subscribe_and_publish(string subject, bool valid, bool literal)
    {
        Assert.Equal(valid, NatsSubject.IsValid(Bytes(subject)));
        Assert.Equal(literal, NatsSubject.IsLiteral(Bytes(subject)));
        Assert.Equal(valid && !literal, valid && NatsSubject.HasWildcard(Bytes(subject)));
    }

    [Test]
    [Arguments("a.b", "a.b", true)]
    [Arguments("a.b", "a.B", false)]
    [Arguments("a.*", "a.b", true)]
    [Arguments("a.*", "a", false)]
    [Arguments("a.*", "a.b.c", false)]
    [Arguments("a.>", "a.b.c", true)]
    [Arguments("a.>", "a", false)]
    [Arguments(">", "a", true)]
    [Arguments("*.b", "a.b", true)]
    [Arguments("foo*", "foobar", false)]
    [Arguments("foo*", "foo*", true)]
    [Arguments("a.*", "a.*", true)]
    [Arguments("a.>", "a.*", true)]
    [Arguments("a.b", "a.*", false)]
    [Arguments(">", ">", true)]
    [Arguments("a", ">", false)]
    [Arguments(">", "a..b", false)]
    [Arguments(">", ".a", false)]
    [Arguments("a.*", "a.", false)]
    public void Matches_tokens(string pattern, string subject, bool expected) =>
        Assert.Equal(expected, NatsSubject.Matches(Bytes(pattern), Bytes(subject)));

    [Test]
    [Arguments(">", "a.>", true)]
    [Arguments("a.>", ">", false)]
    [Arguments("a.*", "a.b", true)]
    [Arguments("a.*", "a.>", false)]
    [Arguments("a.>", "a.*", true)]
    [Arguments("a.*.c", "a.*.c", true)]
    [Arguments("a.b", "a.*", false)]
    [Arguments("a", "a.b", false)]
    public void Computes_covering(string outer, string inner, bool expected) =>
        Assert.Equal(expected, NatsSubject.Covers(Bytes(outer), Bytes(inner)));

    /// <summary>Against all subjects of up to three tokens out of two letters.</summary>
    [Test]
    public void Cover_and_overlap_agree_with_matching() => Property.Check(
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

    // Three letters, one more than patterns use, so that '*' is never the same as all letters; one token more than
    // patterns have.
    private static IEnumerable<string> AllSubjects(int tokens = 4) =>
        tokens == 0
        ? []
        : new[]
        {
            "x",
            "y",
            "z"
        }.SelectMany(head => AllSubjects(tokens - 1).Select(rest => $"{head}.{rest}").Prepend(head));

    private static string Pattern(Prng prng)
    {
        var tokens = Enumerable.Range(0, prng.NextInt32(1, 4)).Select(_ => prng.Pick<string>(["x", "y", "*"])).ToList();
        if (prng.Chance(0.3)) tokens[^1] = ">";
        return string.Join('.', tokens);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
