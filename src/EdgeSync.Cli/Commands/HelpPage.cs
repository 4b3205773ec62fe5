using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands;

/// <summary>
/// The page of one command, made from the tree that runs: usage, arguments, options under headings, examples, exit
/// codes. The man page consists of the same parts.
/// </summary>
internal sealed class HelpPage(Command command)
{
    private const int Width = 100;
    private const string Common = "Options of every command";

    private readonly CommandSpec? _verb = command as CommandSpec;

    public string Path => CommandSpec.PathOf(command);

    public IReadOnlyList<Command> Commands => [.. command.Subcommands.Where(c => !c.Hidden)];

    public IReadOnlyList<Argument> Arguments => [.. command.Arguments.Where(a => !a.Hidden)];

    /// <summary>Headings in order, each with its options; those of every command come last.</summary>
    public IReadOnlyList<(string Heading, IReadOnlyList<Option> Options)> Groups
    {
        get
        {
            var groups = new List<(string Heading, List<Option> Options)>();
            foreach (var option in CommandLineFaults.OptionsOf(command).Where(o => !o.Hidden))
            {
                var heading = option.Recursive || option.Name is "--version"
                    && CommandLineFaults.ParentOf(command) is null ? Common : _verb?.HeadingOf(option) ?? "Options";
                var at = groups.FindIndex(g => g.Heading == heading);
                if (at < 0) groups.Add((heading, [option]));
                else groups[at].Options.Add(option);
            }

            return [.. groups.OrderBy(g => g.Heading == Common)
                .Select(g => (g.Heading, (IReadOnlyList<Option>)g.Options))];
        }
    }

    public string Usage
    {
        get
        {
            var words = new List<string> { Path };
            if (Commands.Count > 0) words.Add("COMMAND");
            words.AddRange(command.Options.Where(o => o.Required).Select(o => $"{o.Name} {PlaceholderOf(o)}"));
            words.AddRange(Arguments.Select(ShapeOf));
            words.Add("[OPTIONS]");
            return string.Join(' ', words);
        }
    }

    public IReadOnlyList<string> Examples => [.. (_verb?.Examples ?? []).Select(e => "edgesync " + e)];

    public string? Notes => _verb?.Notes;

    public void Print(TextWriter output)
    {
        output.WriteLine(Summary(command));
        output.WriteLine();
        output.WriteLine($"Usage: {Usage}");
        if (command.Aliases.Count > 0)
            output.WriteLine($"Other names: {string.Join(", ", command.Aliases.Order(StringComparer.Ordinal))}");
        output.WriteLine();
        Section(output, "Arguments", [.. Arguments.Select(a => (a.HelpName ?? a.Name, a.Description ?? ""))]);
        Section(output, "Commands", [.. Commands.Select(c => (WithShape(c), Summary(c)))]);
        foreach (var (heading, options) in Groups) Section(output, heading,
            [.. options.Select(o => (NamesOf(o), DescriptionOf(o)))]);
        if (Notes is { } notes)
        {
            foreach (var line in notes.Split('\n').SelectMany(l => Wrapped(l, Width))) output.WriteLine(line);
            output.WriteLine();
        }

        if (Examples.Count > 0)
        {
            output.WriteLine("Examples:");
            foreach (var example in Examples) output.WriteLine("  " + example);
            output.WriteLine();
        }

        output.WriteLine(ExitCodes.Help);
    }

    /// <summary>The same as JSON.</summary>
    public HelpReport ToReport() => new(
        Path, Summary(command), Usage, [.. command.Aliases.Order(StringComparer.Ordinal)],
            [.. Commands.Select(c => c.Name)],
        [.. Arguments.Select(a => new HelpEntry(a.Name, [], a.Description ?? ""))],
        [.. Groups.SelectMany(g => g.Options).Select(o => new HelpEntry(o.Name, [.. o.Aliases], DescriptionOf(o)))],
            Examples);

    /// <summary><c>-m, --message TEXT</c>; a switch that is on by default shows how to turn it off.</summary>
    public static string NamesOf(Option option)
    {
        var shorts = option.Aliases.Append(option.Name).Where(n => n.Length == 2).ToList();
        var name = FlagOption.HasNegative(option) ? "--[no-]" + option.Name[2..] : option.Name;
        var names = string.Join(", ", [.. shorts.Where(n => n != option.Name), name]);
        return option.Arity.MinimumNumberOfValues == 0 ? names : $"{names} {PlaceholderOf(option)}";
    }

    /// <summary>
    /// The names shown: one long one, and its letter. Every other long name is an older one of the same option, which
    /// works but is not listed (docs/cli.md, Words).
    /// </summary>
    public static IEnumerable<string> ShownNames(Option option) =>
        option.Aliases.Where(a => a.Length == 2).Prepend(option.Name);

    /// <summary>The sentence, and the default unless the sentence contains it.</summary>
    public static string DescriptionOf(Option option)
    {
        var text = option.Description ?? "";
        if (option.Required) text += " Required.";
        if (!text.Contains("(default", StringComparison.Ordinal)
            && DefaultOf(option) is { } otherwise) text = $"{text.TrimEnd('.')} (default {otherwise}).";
        return text;
    }

    public static string Summary(Command command) => command.Description ?? "";

    private static string? DefaultOf(Option option) => option.HasDefaultValue
        ? option.GetDefaultValue() switch
        {
            null or false or "" => null,
            TimeSpan span => Durations.Format(span),
            string[] texts => texts.Length == 0 ? null : string.Join(',', texts),
            var value => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
        }
        : null;

    private static string PlaceholderOf(Option option) => option.HelpName ?? "VALUE";

    private static string ShapeOf(Argument argument)
    {
        var name = argument.HelpName ?? argument.Name;
        var shape = argument.Arity.MaximumNumberOfValues > 1 && !name.Contains(' ', StringComparison.Ordinal)
            ? name + "..." : name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{shape}]" : shape;
    }

    private static string WithShape(Command child) =>
        string.Join(' ', [child.Name, .. child.Arguments.Where(a => !a.Hidden).Select(ShapeOf)]);

    private static void Section(TextWriter output, string heading, IReadOnlyList<(string Left, string Right)> rows)
    {
        if (rows.Count == 0) return;

        output.WriteLine(heading + ":");
        var column = Math.Min(34, rows.Max(r => r.Left.Length) + 4);
        foreach (var (left, right) in rows)
        {
            var lines = Wrapped(right, Width - column);
            if (left.Length + 4 <= column)
            {
                output.WriteLine($"  {left.PadRight(column - 2)}{lines[0]}".TrimEnd());
                lines.RemoveAt(0);
            }
            else
            {
                output.WriteLine("  " + left);
            }

            foreach (var line in lines) output.WriteLine(new string(' ', column) + line);
        }

        output.WriteLine();
    }

    private static List<string> Wrapped(string text, int width)
    {
        var lines = new List<string>();
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                lines.Add(line.ToString());
                line.Clear();
            }

            if (line.Length > 0) line.Append(' ');
            line.Append(word);
        }

        lines.Add(line.ToString());
        return lines;
    }
}

/// <summary>A help page as <c>--help --json</c> prints it.</summary>
internal sealed record HelpReport(
    string Command, string Summary, string Usage, IReadOnlyList<string> Aliases, IReadOnlyList<string> Commands,
        IReadOnlyList<HelpEntry> Arguments,
    IReadOnlyList<HelpEntry> Options, IReadOnlyList<string> Examples) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Usage);
}

/// <summary>An argument or an option of a help page.</summary>
internal sealed record HelpEntry(string Name, IReadOnlyList<string> Aliases, string Description);
