using System.Globalization;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Benchmarks;

/// <summary>Texts as a repository holds them, from a fixed seed.</summary>
internal static class Samples
{
    /// <summary>A manifest of 1,600 F cards, some 150 kB, as the redis history has 12,000 of.</summary>
    public static byte[] Manifest(Prng prng, int files = 1600)
    {
        var text = new StringBuilder("C a\\scomment\nD 2022-01-01T00:00:00\n");
        for (var i = 0; i < files; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"F src/module{i / 40}/file{i}.c ")
                .Append(Convert.ToHexStringLower(prng.NextBytes(32))).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.Append("U tester\n").ToString());
    }

    /// <summary>A source file of about <paramref name="size"/> bytes.</summary>
    public static byte[] Source(Prng prng, int size)
    {
        string[] words = [
            "static", "int", "return", "if", "(", ")", "{", "}", "value", "=", "0;", "buffer", "->", "length"];
        var text = new StringBuilder();
        while (text.Length < size)
        {
            text.Append(' ', 4 * prng.NextInt32(4));
            for (var count = prng.NextInt32(1, 9); count > 0; count--)
                text.Append(prng.Pick<string>(words)).Append(' ');
            text.Append(prng.NextInt32(1000)).Append('\n');
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>The text with a few places edited.</summary>
    public static byte[] Edit(Prng prng, byte[] text, int edits)
    {
        var target = new List<byte>(text);
        for (; edits > 0; edits--)
        {
            var at = prng.NextInt32(target.Count);
            if (prng.Chance(0.5)) target.InsertRange(at, Source(prng, prng.NextInt32(1, 200)));
            else target.RemoveRange(at, Math.Min(prng.NextInt32(100), target.Count - at));
        }

        return [.. target];
    }
}
