using EdgeSync.Primitives;

namespace EdgeSync.UnitTests.Fossil.Delta;

/// <summary>Source and target texts as histories produce them: edits, moves, binaries, low entropy.</summary>
internal static class DeltaPairs
{
    public static (byte[] Source, byte[] Target) Draw(Prng prng)
    {
        var alphabet = prng.Pick<int>([2, 4, 16, 64, 256]);
        var source = Text(prng, prng.NextInt32(0, prng.Pick<int>([40, 400, 4000])), alphabet);
        if (prng.Chance(0.1)) return (source, Text(prng, prng.NextInt32(600), alphabet));

        var target = new List<byte>(source);
        for (var edits = prng.NextInt32(8); edits > 0; edits--)
        {
            var at = prng.NextInt32(target.Count + 1);
            var count = Math.Min(prng.NextInt32(200), target.Count - at);
            if (prng.Chance(0.4)) target.InsertRange(at, Text(prng, prng.NextInt32(100), alphabet));
            else if (prng.Chance(0.5)) target.RemoveRange(at, count);
            else target.AddRange(target.GetRange(at, count));
        }

        return (source, [.. target]);
    }

    private static byte[] Text(Prng prng, int length, int alphabet)
    {
        var text = prng.NextBytes(length);
        var repeats = prng.Chance(0.2);
        for (var i = 0; i < length; i++)
        {
            if (repeats && i >= 16) text[i] = prng.Chance(0.02) ? text[i] : text[i - 16];
            else if (alphabet < 256) text[i] = (byte)('A' + (text[i] % alphabet));
        }

        return text;
    }
}
