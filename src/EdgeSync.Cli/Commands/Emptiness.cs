using System.CommandLine;
using System.Runtime.CompilerServices;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// The options and arguments that accept an empty text. All others reject it: it usually comes from an unset shell
/// variable, and must not become a name, a folder or a version.
/// </summary>
internal static class Emptiness
{
    private static readonly ConditionalWeakTable<Symbol, object> Allowed = [];

    /// <summary>Marks an empty text as valid; the help of the symbol explains it.</summary>
    public static T TakesEmpty<T>(this T symbol)
        where T : Symbol
    {
        Allowed.AddOrUpdate(symbol, symbol);
        return symbol;
    }

    public static bool IsAllowed(Symbol symbol) => Allowed.TryGetValue(symbol, out _);
}
