using System.Globalization;
using System.Text;
using EdgeSync.InteropTests.Support;
using EdgeSync.Primitives;
using EdgeSync.Tests.Support;

namespace EdgeSync.InteropTests.Artifacts;

/// <summary>
/// Equal table rows for any manifest, not only for sane ones (R12): spoiled artifacts of every kind, which refer to
/// each other, are pushed into our server and into stock's, both repositories are rebuilt by their own program, and
/// every table must be the same. A failure names its seed and the smallest set of artifacts that still shows it;
/// <c>EDGESYNC_MANIFEST_SEED</c> runs one seed alone, <c>EDGESYNC_MANIFEST_SEEDS</c> runs more of them.
/// </summary>
[ClassDataSource<GeneratedHistory>(Shared = SharedType.PerAssembly)]
public sealed class ManifestFuzzTests(GeneratedHistory history)
{
    private const int TextsPerSeed = 600;
    private const int TextsPerMessage = 200;
    private const string Codes = "0123456789012345678901234567890123456789";

    public static TheoryData<ulong> Seeds()
    {
        if (Environment.GetEnvironmentVariable("EDGESYNC_MANIFEST_SEED") is { Length: > 0 } only)
            return [ulong.Parse(only, CultureInfo.InvariantCulture)];

        var count = Environment.GetEnvironmentVariable("EDGESYNC_MANIFEST_SEEDS") is { Length: > 0 } more
            ? int.Parse(more, CultureInfo.InvariantCulture)
            : 3;
        return [.. Enumerable.Range(1, count).Select(seed => (ulong)seed)];
    }

    [Test]
    [MethodDataSource(nameof(Seeds))]
    public void Both_derive_the_same_rows_from_spoiled_manifests(ulong seed)
    {
        using var bench = new Workbench("manifests");
        var texts = Spoiled(new Prng(seed));

        var report = Differences(bench, texts);
        if (report.Length == 0) return;

        texts = Smallest(bench, texts);
        Assert.Fail(
            $"EDGESYNC_MANIFEST_SEED={seed}: {texts.Count} artifacts suffice\n{Differences(bench, texts)}\n"
            + string.Join("\n", texts.Select(text => $"---- {XferMessage.HashOf(text)}\n"
                + Encoding.Latin1.GetString(text).Replace("\0", "<NUL>", StringComparison.Ordinal))));
    }

    /// <summary>
    /// Spoiled artifacts, a third of whose names are exchanged for those of others: known, spoiled, or of nobody.
    /// </summary>
    private List<byte[]> Spoiled(Prng prng)
    {
        var good = Contents(history.Kinds);
        var names = new List<string>(NamesIn(history.Kinds)) { new('e', 64), new('e', 40) };
        var texts = new List<byte[]>();
        while (texts.Count < TextsPerSeed)
        {
            var from = prng.Chance(0.4) && texts.Count > 0
                ? texts[prng.Chance(0.5) ? texts.Count - 1 : prng.NextInt32(texts.Count)]
                : good[prng.NextInt32(good.Count)];
            if (prng.Chance(0.5)) from = Renamed(prng, from, names);
            var text = prng.Chance(0.3) && from.AsSpan().IndexOf("\nF "u8) >= 0
                ? OddFiles(prng, from, names)
                : Mutation.OfArtifact(prng, from, good);
            if (!texts.TrueForAll(other => !other.AsSpan().SequenceEqual(text)) || NamesNobodyInUpperCase(text, names))
                continue;

            texts.Add(text);
            names.Add(XferMessage.HashOf(text));
        }

        return texts;
    }

    // Stock makes a phantom under such a name, which no artifact can fill, and its rebuild ends at the second one.
    private static bool NamesNobodyInUpperCase(byte[] text, List<string> names) => Encoding.Latin1.GetString(text)
        .Split(' ', '\n', '+', '-')
        .Any(
            token => token.Length is 40 or 64 && token.All(char.IsAsciiHexDigit)
            && token.Any(char.IsAsciiHexDigitUpper) && !names.Contains(token.ToLowerInvariant()));

    private static byte[] Renamed(Prng prng, byte[] text, List<string> names)
    {
        var parts = Encoding.Latin1.GetString(text).Split('\n').Select(line => line.Split(' ')).ToArray();
        foreach (var tokens in parts.Where(tokens => tokens[0] is not ("Z" or "R" or "K")))
            for (var at = 1; at < tokens.Length; at++)
                if (tokens[at].Length is 40 or 64 && tokens[at].All(char.IsAsciiHexDigitLower) && prng.Chance(0.3))
                    tokens[at] = prng.Chance(0.5)
                    ? names[^prng.NextInt32(1, Math.Min(names.Count, 40))]
                    : names[prng.NextInt32(names.Count)];
        return Encoding.Latin1.GetBytes(string.Join('\n', parts.Select(tokens => string.Join(' ', tokens))));
    }

    /// <summary>File cards with the names, permissions and old names that no program writes.</summary>
    private static byte[] OddFiles(Prng prng, byte[] text, List<string> names)
    {
        var lines = Encoding.Latin1.GetString(text).Split('\n').Where(line => line.Length > 0 && line[0] != 'Z')
            .ToList();
        for (var at = 0; at < lines.Count; at++)
        {
            if (!lines[at].StartsWith("F ", StringComparison.Ordinal) || !prng.Chance(0.3)) continue;

            var tokens = lines[at].Split(' ').ToList();
            var (odd, place) = (prng.Pick<string>(Odd), prng.NextInt32(tokens[1].Length + 1));
            switch (prng.NextInt32(6))
            {
                case 0 or 1: tokens[1] = tokens[1].Insert(place, odd); break;
                case 2: tokens[1] = tokens[1][..place] + odd; break;
                case 3 when tokens.Count > 2:
                    tokens = [.. tokens[..2], names[prng.NextInt32(names.Count)], .. tokens[3..]]; break;
                case 4 when tokens.Count > 2:
                    tokens = [
                        .. tokens[..3], prng.Pick<string>(["w", "x", "l", "xl", "", "q"]),
                        tokens[1].Insert(place, odd)];
                    break;
                default: tokens = tokens[..2]; break;
            }

            if (tokens[1].Length > 0) lines[at] = string.Join(' ', tokens);
        }

        return Mutation.Sealed(Encoding.Latin1.GetBytes(string.Join('\n', lines) + "\n"));
    }

    private static readonly string[] Odd = [
        "\\0", "\\s", "\\n", "\\", "\\x", "\\0\\0", "\xff", "\xe8", "A", "/", "~", "\xc3\xa9"];

    private string Differences(Workbench bench, List<byte[]> texts)
    {
        var stock = Fresh(bench, "stock.fossil");
        var ours = Fresh(bench, "ours.fossil");
        List<string> oursFails = [];
        using (var server = bench.Stock.Serve(stock)) texts = Push(server.Port, texts, []);
        using (var server = bench.Ours.Serve(ours)) Push(server.Port, texts, oursFails);
        if (oursFails.Count > 0) return "our server refuses " + string.Join("\n", oursFails);

        bench.Stock.Run("rebuild", stock);
        bench.Ours.Run("repo", "rebuild", "-R", ours);
        return RepositoryComparer.Derived(stock).DifferencesFrom(RepositoryComparer.Derived(ours));
    }

    private string Fresh(Workbench bench, string name)
    {
        foreach (var side in new[] { "", "-wal", "-shm", "-journal" }) File.Delete(bench[name + side]);
        return history.CopyOf("kinds", bench.Folder, name);
    }

    /// <summary>
    /// Pushes all, and answers what was taken. Stock fails on an attachment that it holds already, for it links it
    /// twice: what it does not take is left out for both.
    /// </summary>
    private List<byte[]> Push(int port, List<byte[]> texts, List<string> failures)
    {
        if (texts.Count > TextsPerMessage)
            return [.. texts.Chunk(TextsPerMessage).SelectMany(chunk => Push(port, [.. chunk], failures))];

        var message = XferMessage.Pragma().Card($"push {Codes} {_code}");
        foreach (var text in texts) message.File(text);
        var reply = RawHttp.PostCompressed(
            port, message.BytesAs(GeneratedHistory.Login, GeneratedHistory.Password, _code));
        if (reply.Status == 200 && !reply.Cards.Contains("error ", StringComparison.Ordinal)) return texts;
        if (texts.Count > 1)
            return [
                .. Push(port, texts[..(texts.Count / 2)], failures),
                .. Push(port, texts[(texts.Count / 2)..], failures)];

        failures.Add($"{reply.Status} {reply.Cards.Split('\n')[0]}\n{Encoding.Latin1.GetString(texts[0])}");
        return [];
    }

    /// <summary>Leaves out halves, then quarters and so on, as long as the rest still shows a difference.</summary>
    private List<byte[]> Smallest(Workbench bench, List<byte[]> texts)
    {
        for (var piece = texts.Count / 2; piece > 0; piece /= 2)
        {
            for (var at = 0; at < texts.Count;)
            {
                List<byte[]> rest = [.. texts.Take(at), .. texts.Skip(at + piece)];
                if (rest.Count > 0 && Differences(bench, rest).Length > 0) texts = rest;
                else at += piece;
            }
        }

        return texts;
    }

    private readonly string _code = ProjectCode(history.Kinds);

    private static string ProjectCode(string repository)
    {
        using var file = new SqliteFile(repository);
        return (string)file.Scalar("SELECT value FROM config WHERE name='project-code'")!;
    }

    private static List<string> NamesIn(string repository)
    {
        using var file = new SqliteFile(repository);
        return [.. file.Query("SELECT uuid FROM blob ORDER BY rid").Select(row => (string)row[0]!)];
    }

    private static List<byte[]> Contents(string repository)
    {
        using var file = new SqliteFile(repository);
        return [
            .. file.Query(
                "SELECT content FROM blob WHERE size BETWEEN 10 AND 4000 AND rid NOT IN (SELECT rid FROM delta) ORDER "
                    + "BY rid")
            .Select(row => XferMessage.Expand((byte[])row[0]!))
            .Where(text => text.Length > 60 && text[1] == ' ' && text[0] is >= (byte)'A' and <= (byte)'Z')];
    }
}
