using System.Text;
using EdgeSync.Nats.Broker.Routing;
using EdgeSync.Nats.Wire;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Broker;

public sealed class SubjectTrieTests
{
    private static readonly string[] Tokens = ["a", "b", "foo", "foo*", "*", ">"];

    [Test]
    public void Finds_what_a_search_through_all_patterns_finds() => Property.Check(prng =>
    {
        var owner = new BrokerHarness().Connect().Connection;
        var trie = new SubjectTrie(new TokenComparer(prng.NextUInt64()), answersMax: 8);
        var held = new List<Subscription>();
        for (var step = 0; step < 120; step++)
        {
            if (held.Count > 0 && prng.Chance(0.3))
            {
                var gone = held[prng.NextInt32(held.Count)];
                held.Remove(gone);
                Assert.True(trie.Remove(gone));
                Assert.False(trie.Remove(gone));
            }
            else if (prng.Chance(0.6))
            {
                var subject = Encoding.UTF8.GetBytes(Pattern(prng));
                var queue = prng.Chance(0.3) ? Encoding.UTF8.GetBytes(prng.Pick<string>(["q", "r"])) : null;
                var subscription = new Subscription(owner, subject, queue, Encoding.UTF8.GetBytes($"{step}"));
                trie.Add(subscription);
                held.Add(subscription);
            }

            var published = Encoding.UTF8.GetBytes(Subject(prng));
            var expected = held.Where(s => NatsSubject.Matches(s.Subject, published)).ToList();
            var match = trie.Match(published);

            Assert.Equal(held.Count, trie.Count);
            Assert.Equal(Sids(expected.Where(s => s.Queue is null)), Sids(match.Plain));
            foreach (var group in expected.Where(s => s.Queue is not null).GroupBy(
                s => Encoding.UTF8.GetString(s.Queue!)))
                Assert.Equal(
                    Sids(group), Sids(match.Queues.Single(q => Encoding.UTF8.GetString(q.Name) == group.Key).Locals));
            Assert.Equal(
                expected.Where(s => s.Queue is not null).Select(
                    s => Encoding.UTF8.GetString(s.Queue!)).Distinct().Count(), match.Queues.Length);
        }

        foreach (var subscription in held) trie.Remove(subscription);
        Assert.True(trie.IsEmpty);
    });

    [Test]
    public void A_literal_subscription_drops_only_its_cached_result()
    {
        var owner = new BrokerHarness().Connect().Connection;
        var trie = new SubjectTrie(new TokenComparer(1));
        var (one, other) = (trie.Match("one"u8), trie.Match("other"u8));

        trie.Add(new Subscription(owner, "one"u8.ToArray(), null, "1"u8.ToArray()));

        Assert.True(one.IsStale);
        Assert.False(other.IsStale);
        Assert.Same(other, trie.Match("other"u8));
        trie.Add(new Subscription(owner, "o*"u8.ToArray(), null, "2"u8.ToArray()));
        Assert.False(other.IsStale);
        trie.Add(new Subscription(owner, "*"u8.ToArray(), null, "3"u8.ToArray()));
        Assert.True(other.IsStale);
    }

    [Test]
    public void The_cache_of_results_is_bounded()
    {
        var trie = new SubjectTrie(new TokenComparer(1), answersMax: 10);

        for (var i = 0; i < 1000; i++) trie.Match(Encoding.UTF8.GetBytes($"s.{i}"));

        Assert.InRange(trie.RememberedAnswers, 1, 10);
    }

    private static string Pattern(Prng prng)
    {
        while (true)
        {
            var text = string.Join(
                '.', Enumerable.Range(0, prng.NextInt32(1, 5)).Select(_ => prng.Pick<string>(Tokens)));
            if (NatsSubject.IsValid(Encoding.UTF8.GetBytes(text))) return text;
        }
    }

    private static string Subject(Prng prng) =>
        string.Join(
            '.',
            Enumerable.Range(0, prng.NextInt32(1, 5)).Select(_ => prng.Pick<string>(["a", "b", "foo", "foo*", ""])));

    private static List<string> Sids(IEnumerable<Subscription> subscriptions) =>
        [.. subscriptions.Select(s => Encoding.UTF8.GetString(s.Sid)).Order(StringComparer.Ordinal)];
}
