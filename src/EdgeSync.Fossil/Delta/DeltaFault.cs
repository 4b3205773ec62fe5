using System.Globalization;

namespace EdgeSync.Fossil.Delta;

/// <summary>What is wrong with a delta.</summary>
public enum DeltaFaultKind : byte
{
    /// <summary>Nothing: the default value.</summary>
    None = 0,

    /// <summary>The text does not start with a size and a newline.</summary>
    SizeMissing,

    /// <summary>The announced target is larger than the caller allows.</summary>
    TargetOverLimit,

    /// <summary>A number was expected.</summary>
    NumberMissing,

    /// <summary>A number does not fit its 31 bits (32 for the checksum).</summary>
    NumberTooLarge,

    /// <summary>The text ends before its <c>;</c>.</summary>
    Truncated,

    /// <summary>A command letter other than <c>@</c>, <c>:</c> and <c>;</c>, or a copy without its comma.</summary>
    UnknownOperator,

    /// <summary>A copy leaves the source.</summary>
    CopyPastSource,

    /// <summary>An insert needs more text than the delta holds.</summary>
    InsertPastDelta,

    /// <summary>The commands make more than the announced size.</summary>
    TargetTooLong,

    /// <summary>The commands make less than the announced size.</summary>
    TargetTooShort,

    /// <summary>The target was made, but its checksum differs.</summary>
    ChecksumMismatch,
}

/// <summary>
/// Where and why a delta cannot be applied. <paramref name="Command"/> counts from 1 (0 is the size line),
/// <paramref name="Offset"/> is the byte of the delta where the command starts; <paramref name="Value"/>,
/// <paramref name="End"/> and <paramref name="Limit"/> depend on the kind.
/// </summary>
public readonly record struct DeltaFault(
    DeltaFaultKind Kind, int Command = 0, int Offset = 0, long Value = 0, long End = 0, long Limit = 0)
{
    /// <summary>True when there is something wrong.</summary>
    public bool IsFault => Kind != DeltaFaultKind.None;

    /// <summary>
    /// One clause for an error message: "delta command 7 (byte 214) copies source bytes 900-1412, …".
    /// </summary>
    public override string ToString()
    {
        var what = Kind switch
        {
            DeltaFaultKind.None => "is valid",
            DeltaFaultKind.SizeMissing => "is not a size and a newline",
            DeltaFaultKind.TargetOverLimit => Text($"announces {Value} bytes, but {Limit} are allowed"),
            DeltaFaultKind.NumberMissing => "has no number where one must be",
            DeltaFaultKind.NumberTooLarge => "has a number that is too large",
            DeltaFaultKind.Truncated => "is cut off",
            DeltaFaultKind.UnknownOperator => Text($"has the unknown operator 0x{Value:x2}"),
            DeltaFaultKind.CopyPastSource =>
                Text($"copies source bytes {Value}-{End}, but the source has {Limit}"),
            DeltaFaultKind.InsertPastDelta => Text($"inserts {Value} bytes, but {Limit} follow"),
            DeltaFaultKind.TargetTooLong => Text($"makes {Value} bytes, but {Limit} were announced"),
            DeltaFaultKind.TargetTooShort => Text($"ends at {Value} bytes, but {Limit} were announced"),
            DeltaFaultKind.ChecksumMismatch => Text($"promises checksum {Value:x8}, but the result has {End:x8}"),
            _ => Kind.ToString(),
        };
        return Command == 0 && Kind != DeltaFaultKind.None
            ? $"delta size line {what}"
            : Text($"delta command {Command} (byte {Offset}) {what}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
