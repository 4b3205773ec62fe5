using System.CommandLine;
using System.Runtime.CompilerServices;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// Which options and arguments take an empty text. All others refuse one: it is what an unset variable of a shell
/// leaves
/// behind, and must not be taken for a name, a folder or a version.
/// </summary>
internal static class Emptiness
{
    private static readonly ConditionalWeakTable<Symbol, object> Allowed = [];

    /// <summary>An empty text has a meaning here, which the help of the symbol tells.</summary>
    public static T TakesEmpty<T>(this T symbol)
        where T : Symbol
    {
        Allowed.AddOrUpdate(symbol, symbol);
        return symbol;
    }

    public static bool IsAllowed(Symbol symbol) => Allowed.TryGetValue(symbol, out _);
}
