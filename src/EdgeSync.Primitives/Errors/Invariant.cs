using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace EdgeSync.Primitives;

/// <summary>
/// Checks for our own bugs, active in release builds too. The host ends the process; a supervisor restarts it.
/// </summary>
public static class Invariant
{
    public static void Require(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        if (!condition) Fail(expression);
    }

    [DoesNotReturn]
    private static void Fail(string? expression) => throw new InvariantException($"Invariant broken: {expression}");
}

/// <summary>A bug of ours. Never caught in order to continue.</summary>
public sealed class InvariantException(string message) : Exception(message);
