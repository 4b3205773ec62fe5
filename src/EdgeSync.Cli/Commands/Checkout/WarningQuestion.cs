using System.Globalization;
using EdgeSync.Cli.Printing;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>Prompts for what to do with a suspicious file, in stock's words. Without input: abandon.</summary>
internal sealed class WarningQuestion(Output output, WarningAnswer? always)
{
    private WarningAnswer? _always = always;

    /// <param name="name">As the user sees it.</param>
    /// <param name="warning">What is wrong with it.</param>
    /// <param name="sizeMax">In bytes, of files without a question.</param>
    public WarningAnswer Ask(string name, FileWarning warning, long sizeMax)
    {
        if (_always is { } known) return known;
        if (Console.IsInputRedirected && Console.In.Peek() < 0) return WarningAnswer.Abandon;

        var text = warning == FileWarning.Oversize
            ? $"is more than {sizeMax.ToString("N0", CultureInfo.InvariantCulture)} bytes in size."
            : $"contains {warning.Text}. Use --no-warnings or the {warning.Setting} to disable this warning.";
        // Spec: file_relative_name in file.c.
        if (output.IsStock && !name.StartsWith("../", StringComparison.Ordinal)) name = "./" + name;
        Question.Write(
            output,
            $"{DisplayText.Name(name)} {text}\n"
                + $"Commit anyhow (a=all/{(warning.IsConvertible ? "c=convert/" : "")}y/N)? ");
        switch (Console.In.ReadLine())
        {
            case ['a' or 'A', ..]:
                _always = WarningAnswer.Commit;
                return WarningAnswer.Commit;
            case ['c' or 'C', ..]:
                return WarningAnswer.Convert;
            case ['y' or 'Y', ..]:
                return WarningAnswer.Commit;
            default:
                return WarningAnswer.Abandon;
        }
    }
}
