using EdgeSync.Nats.Wire;

namespace EdgeSync.Nats.Broker.Routing;

/// <summary>
/// Subscriptions by subject. A tree with one level per token; each level has its literal tokens and two slots for the
/// wildcards:
/// <code>
/// SUB orders.*.new      orders ─▶ * ─▶ new: [subscription]
/// SUB orders.>          orders ─▶ >: [subscription]
/// </code>
/// Results are cached. A literal subscription changes the result for its own subject alone, so the inbox of each
/// request costs one entry; a wildcard drops the whole cache.
/// </summary>
internal sealed class SubjectTrie
{
    private readonly TokenComparer _comparer;
    private readonly SubjectTrieLevel _root;
    private readonly Dictionary<byte[], MatchResult> _answers;
    private readonly Dictionary<byte[], MatchResult>.AlternateLookup<ReadOnlySpan<byte>> _answersBySpan;
    private readonly int _answersMax;
    private readonly long _answerBytesMax;
    private long _answerBytes;
    private readonly MatchBuilder _builder = new();

    public SubjectTrie(TokenComparer comparer, int answersMax = 4096, long answerBytesMax = 8 << 20)
    {
        _comparer = comparer;
        _root = new SubjectTrieLevel(_comparer);
        _answersMax = answersMax;
        _answerBytesMax = answerBytesMax;
        _answers = new Dictionary<byte[], MatchResult>(_comparer);
        _answersBySpan = _answers.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>Subscriptions held.</summary>
    public int Count { get; private set; }

    /// <summary>Not one node is left.</summary>
    public bool IsEmpty => _root.IsEmpty;

    public TrieStatistics Statistics { get; } = new();

    public int RememberedAnswers => _answers.Count;

    /// <summary>The subject must be valid (<c>NatsSubject.IsValid</c>); the subscription is in no trie.</summary>
    public void Add(Subscription subscription)
    {
        var level = _root;
        SubjectTrieNode node;
        var tokens = new SubjectTokens(subscription.Subject);
        while (true)
        {
            tokens.MoveNext();
            node = level.GetOrAdd(tokens.Current);
            if (tokens.AtEnd) break;
            level = node.Next ??= new SubjectTrieLevel(_comparer);
        }

        node.Add(subscription);
        Count++;
        Statistics.Inserts++;
        Forget(subscription.Subject);
    }

    /// <summary>False when it is not there.</summary>
    public bool Remove(Subscription subscription)
    {
        if (subscription.Slot < 0 || !RemoveBelow(_root, new SubjectTokens(subscription.Subject), subscription))
            return false;

        Count--;
        Statistics.Removes++;
        Forget(subscription.Subject);
        return true;
    }

    /// <summary>
    /// The cached result for the subject is stale, though the subscriptions are the same (a weight changed).
    /// </summary>
    public void Forget(byte[] subject)
    {
        if (!NatsSubject.HasWildcard(subject))
        {
            if (!_answers.Remove(subject, out var answer)) return;

            answer.IsStale = true;
            _answerBytes -= BytesOf(subject, answer);
        }
        else
        {
            ForgetAll();
        }
    }

    /// <summary>The subscriptions that match a published subject. A malformed subject matches none.</summary>
    public MatchResult Match(ReadOnlySpan<byte> subject)
    {
        Statistics.Matches++;
        if (_answersBySpan.TryGetValue(subject, out var answer))
        {
            Statistics.CacheHits++;
            return answer;
        }

        _builder.Clear();
        if (HasNoEmptyToken(subject)) Collect(_root, new SubjectTokens(subject));
        answer = _builder.Build();
        var bytes = BytesOf(subject, answer);
        if (_answers.Count >= _answersMax || _answerBytes + bytes > _answerBytesMax) ForgetAll();
        _answersBySpan[subject] = answer;
        _answerBytes += bytes;
        return answer;
    }

    /// <summary>Over the cached results: the largest and the average number of receivers.</summary>
    public (int Largest, double Average) Fanout()
    {
        if (_answers.Count == 0) return (0, 0);

        var (largest, total) = (0, 0L);
        foreach (var answer in _answers.Values)
        {
            largest = Math.Max(largest, answer.Count);
            total += answer.Count;
        }

        return (largest, (double)total / _answers.Count);
    }

    private static bool HasNoEmptyToken(ReadOnlySpan<byte> subject) =>
        !subject.IsEmpty && subject[0] != '.' && subject[^1] != '.' && subject.IndexOf(".."u8) < 0;

    private void ForgetAll()
    {
        if (_answers.Count == 0) return;

        foreach (var answer in _answers.Values) answer.IsStale = true;
        _answers.Clear();
        _answerBytes = 0;
    }

    // Ten thousand wildcards and a thousand subjects make ten million references.
    private static long BytesOf(ReadOnlySpan<byte> subject, MatchResult answer) =>
        200 + subject.Length + (8L * answer.Size);

    private void Collect(SubjectTrieLevel level, SubjectTokens tokens)
    {
        if (level.Tail is { } tail) _builder.Add(tail);

        tokens.MoveNext();
        var token = tokens.Current;
        if (level.Star is { } star) Visit(star, tokens);

        // A publisher may use a subject with '*' or '>' in it, which is then literal (Spec: subjects of the client
        // protocol).
        if (level.Find(token) is { } literal && literal != level.Star && literal != level.Tail) Visit(literal, tokens);
    }

    private void Visit(SubjectTrieNode node, SubjectTokens rest)
    {
        if (rest.AtEnd) _builder.Add(node);
        else if (node.Next is { } next) Collect(next, rest);
    }

    private static bool RemoveBelow(SubjectTrieLevel level, SubjectTokens tokens, Subscription subscription)
    {
        tokens.MoveNext();
        var token = tokens.Current;
        if (level.Find(token) is not { } node) return false;

        if (!tokens.AtEnd)
        {
            if (node.Next is null || !RemoveBelow(node.Next, tokens, subscription)) return false;
            if (node.Next.IsEmpty) node.Next = null;
        }
        else
        {
            node.Remove(subscription);
        }

        if (node.IsEmpty) level.Remove(token);
        return true;
    }
}

/// <summary>The figures of <c>/subsz</c>.</summary>
internal sealed class TrieStatistics
{
    public long Inserts { get; set; }

    public long Removes { get; set; }

    public long Matches { get; set; }

    public long CacheHits { get; set; }
}
