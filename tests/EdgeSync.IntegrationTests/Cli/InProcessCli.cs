using System.Collections.Concurrent;
using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Printing;
using EdgeSync.Primitives;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>How one command line ended.</summary>
internal sealed record CliRun(string CommandLine, ExitCode Code, string Output, string Errors)
{
    /// <summary>What stands behind <c>try:</c>, or null.</summary>
    public string? Hint =>
        Errors.Split('\n').LastOrDefault(l => l.StartsWith("try: ", StringComparison.Ordinal))?["try: ".Length..];

    public override string ToString() => $"edgesync {CommandLine}\nended with {(int)Code}\n{Output}{Errors}";
}

/// <summary>The program in this process: command lines in, texts and exit codes out.</summary>
internal static class InProcessCli
{
    public static CliRun Run(params string[] args)
    {
        using var results = new MemoryStream();
        using var errors = new MemoryStream();

        // A daemon that does start is stopped as soon as it has reported.
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var watched = new CancellingStream(results, stop);
        ExitCode code;
        using (var output = Output.To(watched, errors, isJson: args.Contains("--json")))
            code = CommandLine.RunAsync(args, output, stop.Token).GetAwaiter().GetResult();
        return new CliRun(string.Join(' ', args.Select(a => a.Length == 0 || a.Contains(' ') ? $"'{a}'" : a)), code,
            TextOf(results), TextOf(errors));
    }

    private static readonly Lazy<Command> Whole = new(Build);

    /// <summary>The whole tree, as help and completion see it; to be read only.</summary>
    public static Command Tree() => Whole.Value;

    private static Command Build()
    {
        using var output = Output.To(Stream.Null, Stream.Null, isJson: false);
        return CommandLine.Build(output, []);
    }

    /// <summary>Every command that does something, with its words.</summary>
    public static IEnumerable<(string[] Path, Command Command)> Leaves(Command at, string[]? path = null)
    {
        path ??= [];
        if (at.Subcommands.Count == 0) return [(path, at)];

        return at.Subcommands.SelectMany(child => Leaves(child, [.. path, child.Name]));
    }

    /// <summary>Every command that only holds others.</summary>
    public static IEnumerable<(string[] Path, Command Command)> Groups(Command at, string[]? path = null)
    {
        path ??= [];
        if (at.Subcommands.Count == 0) return [];

        return at.Subcommands.SelectMany(child => Groups(child, [.. path, child.Name])).Prepend((path, at));
    }

    private static string TextOf(MemoryStream stream) => Encoding.UTF8.GetString(stream.ToArray());

    private sealed class CancellingStream(Stream target, CancellationTokenSource stop) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => target.Length;

        public override long Position { get => target.Position; set => throw new NotSupportedException(); }

        public override void Flush() => target.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            target.Write(buffer, offset, count);
            stop.CancelAfter(0);
        }
    }
}

/// <summary>Whether an advised command line can be parsed.</summary>
internal static partial class Advice
{
    // The same few hints end thousands of runs.
    private static readonly ConcurrentDictionary<(string, Command?), string?> Faults = new();

    /// <summary>Null when every command in the text is one, and every option is known.</summary>
    /// <param name="text">A hint, or a line of a document.</param>
    /// <param name="ran">The command that gave it, whose options it may name; null where any command's will do.</param>
    public static string? FaultOf(string text, Command? ran) =>
        Faults.GetOrAdd((text, ran), key => Check(key.Item1, key.Item2));

    private static string? Check(string text, Command? ran)
    {
        foreach (var part in text.Split(';', '\n'))
        {
            var begin = part.IndexOf("edgesync ", StringComparison.Ordinal);
            if (begin >= 0)
            {
                var quoted = begin > 0 && part[begin - 1] == '\'' ? part[begin..].Split('\'')[0] : part[begin..];
                if (FaultOfCommand(quoted) is { } fault) return fault;
            }
            else
            {
                foreach (Match option in Options().Matches(part))
                {
                    if (!IsKnown(option.Value,
                        ran)) return $"{option.Value} is no "
                            + $"option{(ran is null ? "" : $" of {CommandSpec.PathOf(ran)}")}: {part}";
                }
            }
        }

        return null;
    }

    private static string? FaultOfCommand(string text)
    {
        var words = Words().Matches(text.Split(" #")[0].Split(" && ")[0].Split(" > ")[0].Split(" | ")[0].Split(", ")[0])
            .Select(m => m.Value.Trim('\'', '"')).Skip(1).ToArray();
        using var output = Output.To(Stream.Null, Stream.Null, isJson: false);
        try
        {
            CommandLine.Parse(words, output);
            return null;
        }
        catch (EdgeSyncException e)
        {
            return $"{text}: {e.Message}";
        }
    }

    private static bool IsKnown(string option, Command? ran)
    {
        var commands = ran is null ? InProcessCli.Leaves(InProcessCli.Tree()).Select(l => l.Command) : [ran];
        return commands.Any(c =>
            CommandLineFaults.OptionsOf(c).Any(o => o.Name == option || o.Aliases.Contains(option)));
    }

    [GeneratedRegex("--[a-z][a-z0-9-]*")]
    private static partial Regex Options();

    [GeneratedRegex("""'[^']*'|"[^"]*"|[^\s'"]+""")]
    private static partial Regex Words();
}
