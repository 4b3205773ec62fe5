using System.Numerics;

namespace EdgeSync.Fossil.Sync;

/// <summary>
/// A user's rights, expanded from capability letters as in stock: <c>s</c> contains <c>a</c>, which contains all but
/// <c>x</c> and <c>y</c>; <c>v</c> adds those of developer, <c>u</c> those of reader. Spec: login.c
/// login_set_capabilities.
/// </summary>
public readonly record struct Capabilities
{
    // One bit a letter: a-z, then the capital letters and digits in use.
    private const string Letters = "abcdefghijklmnopqrstuvwxyz234567ACD";

    // Everything that stock's fall-through of 'a' sets.
    private const string AdminLetters = "acdefghijklmnopqrtwz234567ACDb";

    private readonly ulong _bits;

    private Capabilities(ulong bits) => _bits = bits;

    public static Capabilities None => default;

    /// <summary>Push.</summary>
    public bool MayWrite => Has('i');

    /// <summary>Pull.</summary>
    public bool MayRead => Has('o');

    public bool MayClone => Has('g');

    public bool IsAdmin => Has('a');

    /// <summary>Private artifacts, both ways. Not part of <c>s</c> or <c>a</c>.</summary>
    public bool MaySyncPrivate => Has('x');

    /// <summary>Writing unversioned files. Not part of <c>s</c> or <c>a</c>.</summary>
    public bool MayWriteUnversioned => Has('y');

    /// <summary>Concealed addresses.</summary>
    public bool MayReadAddresses => Has('e');

    /// <summary>True if the expanded set has this letter's permission.</summary>
    public bool Has(char letter) => Letters.IndexOf(letter, StringComparison.Ordinal) is >= 0 and var bit
        && (_bits & (1UL << bit)) != 0;

    /// <summary>Both sets together: logins are cumulative.</summary>
    public Capabilities With(Capabilities other) => new(_bits | other._bits);

    /// <summary>
    /// Expands <paramref name="letters"/>. <paramref name="developer"/> and <paramref name="reader"/> are the letters
    /// of the users of these names.
    /// </summary>
    public static Capabilities Expand(string letters, string developer, string reader)
    {
        var set = 0UL;
        var seen = 0UL;
        Add(letters);
        return new Capabilities(set);

        void Add(string some)
        {
            foreach (var letter in some)
            {
                var bit = Bit(letter);
                if ((seen & bit) != 0) continue;

                seen |= bit;
                set |= bit | Implied(letter);
                if (letter == 'u') Add(reader);
                if (letter == 'v') Add(developer);
            }
        }
    }

    /// <summary>The letters of the expanded set, in a fixed order.</summary>
    public override string ToString() => string.Create(BitOperations.PopCount(_bits), this, static (target, set) =>
    {
        var at = 0;
        foreach (var letter in Letters)
            if (set.Has(letter))
                target[at++] = letter;
    });

    private static ulong Implied(char letter) => letter switch
    {
        's' => Bits(AdminLetters),
        'a' => Bits(AdminLetters),
        'i' => Bits("o"),
        'k' => Bits("jm"),
        'w' => Bits("rnc"),
        '6' => Bits("5432"),
        '5' => Bits("432"),
        '4' => Bits("32"),
        '3' => Bits("2"),
        _ => 0,
    };

    private static ulong Bits(string letters)
    {
        var bits = 0UL;
        foreach (var letter in letters) bits |= Bit(letter);
        return bits;
    }

    private static ulong Bit(char letter) =>
        Letters.IndexOf(letter, StringComparison.Ordinal) is >= 0 and var bit ? 1UL << bit : 0;
}
