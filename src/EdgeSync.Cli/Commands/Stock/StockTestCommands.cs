using System.CommandLine;
using System.Text;
using EdgeSync.Cli.Commands.Checkout;
using EdgeSync.Fossil.Artifacts;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Fossil.Delta;
using EdgeSync.Fossil.Glob;
using EdgeSync.Primitives;
using EdgeSync.Storage;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Stock;

/// <summary>
/// Stock's commands for its own test scripts: each shows one piece of the program at work. They exist under the name
/// <c>fossil</c> only.
/// </summary>
internal static class StockTestCommands
{
    private static readonly Argument<string[]> Words = new("WORD") { Arity = ArgumentArity.OneOrMore };
    private static readonly Option<bool> Absolute = new("--absolute");
    private static readonly Option<bool> Slash = new("--slash");
    private static readonly Option<bool> NoSettings = new("--no-settings");
    private static readonly Option<bool> OpenConfig = new("--open-config");

    public static CommandSpec CreateContainsSelector() => Of("test-contains-selector", (words, output) =>
    {
        var (file, selector) = Two(words);
        output.Write($"{selector} {(HasSelector(File.ReadAllText(file), selector) ? "found" : "not found")}\n");
    });

    public static CommandSpec CreateDelta() => Of("test-delta", (words, output) =>
    {
        var (first, second) = Two(words);
        var (one, two) = (File.ReadAllBytes(first), File.ReadAllBytes(second));
        if (!IsRecovered(one, two) || !IsRecovered(two, one))
            throw new EdgeSyncException(ErrorKind.Corrupt, "delta test failed");

        output.Write("ok\n");
    });

    public static CommandSpec CreateGlob() => Of("test-glob", (words, output) =>
    {
        string[] patterns = [.. NameGlob.Split(words[0])];
        var glob = new NameGlob(words[0]);
        output.Write($"SQL expression: {SqlOf(patterns)}\n");
        for (var i = 0; i < patterns.Length; i++) output.Write($"pattern[{i}] = [{patterns[i]}]\n");
        foreach (var text in words.Skip(1)) output.Write($"{glob.IndexOf(text) + 1} {text}\n");
    });

    public static CommandSpec CreateReservedName() => Of("test-is-reserved-name", (words, output) =>
    {
        foreach (var name in words)
        {
            var isReserved = PathName.IsReserved(Encoding.UTF8.GetBytes(name));
            output.Write($"{(isReserved ? name.Contains('/', StringComparison.Ordinal) ? 2 : 1 : 0)} {name}\n");
        }
    });

    public static CommandSpec CreateLooksLikeUtf() => Of("test-looks-like-utf", (words, output) =>
    {
        var content = File.ReadAllBytes(words[0]);
        var look = TextLook.Of(content);
        output.Write($"File \"{words[0]}\" has {content.Length} bytes.\n");
        Line("Starts with UTF-8 BOM", look.HasUtf8Mark);
        output.Write(
            $"Starts with UTF-16 BOM: {(!look.HasUtf16Mark ? "no" : look.IsReversed ? "reversed" : "yes")}\n");
        Line(look.IsUtf16 ? "Looks like UTF-16" : "Looks like UTF-8", !look.IsBinary);
        Line("Has flag LOOK_NUL", look.HasNul);
        Line("Has flag LOOK_CR", look.HasCr);
        Line("Has flag LOOK_LONE_CR", look.HasLoneCr);
        Line("Has flag LOOK_LF", look.HasLf);
        Line("Has flag LOOK_LONE_LF", look.HasLoneLf);
        Line("Has flag LOOK_CRLF", look.HasCrLf);
        Line("Has flag LOOK_LONG", look.HasLongLine);
        Line("Has flag LOOK_INVALID", look.IsInvalidUtf8);
        // An odd length is never taken as UTF-16, and every byte is looked at.
        Line("Has flag LOOK_ODD", false);
        Line("Has flag LOOK_SHORT", false);

        void Line(string label, bool isSo) => output.Write($"{label}: {(isSo ? "yes" : "no")}\n");
    });

    public static CommandSpec CreateSimplifyName() => Of("test-simplify-name", (words, output) =>
    {
        foreach (var name in words) output.Write($"[{name}] -> [{Simple(name)}]\n");
    });

    public static CommandSpec CreateRelativeName()
    {
        var command = Of("test-relative-name", (words, output) =>
        {
            foreach (var name in words) output.Write(RelativeName(name) + "\n");
        });
        command.Options.Add(Slash);
        return command;
    }

    public static CommandSpec CreateTreeName() => new("test-tree-name", "Part of stock's own tests.", context =>
    {
        using var checkout = context.OpenCheckout();
        foreach (var path in context.Require(Words))
        {
            var name = checkout.NameOf(path, Environment.CurrentDirectory);
            var isRelative = !Path.IsPathRooted(path);

            // Stock puts a relative path behind the top of the checkout here, wherever the current folder is.
            var text = context.Get(Absolute)
                ? name.Length == 0 && !isRelative ? checkout.LocalRoot
                    : Simple(isRelative ? checkout.LocalRoot + path : path)
                : name.Length == 0 ? "." : name;
            context.Output.Text.Write(text + "\n");
        }

        return ExitCode.Ok;
    })
    {
        Arguments = { Words },
        Options = { Absolute },
    };

    public static CommandSpec CreateCommitWarning() =>
        new("test-commit-warning", "Part of stock's own tests.", context =>
        {
            using var checkout = context.OpenCheckout();
            var output = context.Output.Text;
            var isAny = false;
            foreach (var (name, warning) in CheckoutCommit.Warnings(checkout, !context.Get(NoSettings)))
            {
                isAny |= warning is not null;
                if (warning is not null || context.IsVerbose)
                    output.Write($"{(warning is null ? 0 : 1)}\t{name}\t{warning?.Text}\n");
            }

            output.Write($"{(isAny ? 1 : 0)}\n");
            return ExitCode.Ok;
        })
        {
            Options = { NoSettings },
        };

    // Three words of stock's script language are enough for the scripts to find out where they run.
    public static CommandSpec CreateThEval() => new("test-th-eval", "Part of stock's own tests.", context =>
    {
        var words = context.Require(Words)[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        context.Output.Text.Write((words switch
        {
            // Whether the settings of a feature are here.
            ["hasfeature", "legacyMvRm" or "tcl" or "th1Docs" or "th1Hooks"] => "1",
            ["hasfeature", _] => "0",
            ["repository"] => RepositoryPath(context),
            ["setting", .., var name] => SettingOf(context, name),
            _ => throw new EdgeSyncException(ErrorKind.Usage, $"TH_ERROR: invalid command name: \"{words[0]}\""),
        }) + "\n");
        return ExitCode.Ok;
    })
    {
        Arguments = { Words },
        Options = { OpenConfig },
    };

    private static CommandSpec Of(string name, Action<string[], TextWriter> run) =>
        new(name, "Part of stock's own tests.", context =>
        {
            run(context.Require(Words), context.Output.Text);
            return ExitCode.Ok;
        })
        {
            Arguments = { Words },
        };

    private static (string, string) Two(string[] words) => words is [var one, var two]
        ? (one, two)
        : throw new EdgeSyncException(ErrorKind.Usage, "two words are needed");

    private static bool IsRecovered(byte[] source, byte[] target)
    {
        var output = new byte[target.Length];
        return DeltaApplier.TryApply(source, DeltaEncoder.Encode(source, target), output, out _)
            && output.AsSpan().SequenceEqual(target);
    }

    private static string SqlOf(string[] patterns) => patterns.Length == 0 ? "0"
        : "(" + string.Join(
            " OR ", patterns.Select(p => $"x GLOB '{p.Replace("'", "''", StringComparison.Ordinal)}'")) + ")";

    // Spec: containsSelector in style.c: what stands before and behind it decides, white space aside.
    private static bool HasSelector(string css, string selector)
    {
        for (var at = css.IndexOf(selector, StringComparison.Ordinal); at >= 0;
             at = css.IndexOf(selector, at + selector.Length, StringComparison.Ordinal))
        {
            var before = css[..at].TrimEnd(' ', '\t', '\n', '\r', '\v', '\f');
            var behind = css[(at + selector.Length)..].TrimStart(' ', '\t', '\n', '\r', '\v', '\f');
            if ((before.Length == 0 || before[^1] is ',' or '}' or '/') && behind is [',' or '{' or '/', ..])
                return true;
        }

        return false;
    }

    /// <summary>Without empty parts and dots; two slashes in front are kept.</summary>
    // Spec: file_simplify_name in file.c.
    private static string Simple(string path)
    {
        if (path.Length == 0) return "";

        var trimmed = path.Length > 1 ? path[..1] + path[1..].TrimEnd('/') : path;
        var front = trimmed.StartsWith("//", StringComparison.Ordinal) ? "//"
            : trimmed.StartsWith('/') ? "/" : "";
        var parts = new List<string>();
        foreach (var part in trimmed.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".." && parts is [.., not ".."]) parts.RemoveAt(parts.Count - 1);
            else if (part != ".") parts.Add(part);
        }

        var text = front + string.Join('/', parts);
        return text.Length == 0 ? "." : text;
    }

    private static string RelativeName(string path)
    {
        if (!Path.IsPathRooted(path)) return Simple(path);

        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path).TrimEnd('/');
        return relative == "." || relative.StartsWith("..", StringComparison.Ordinal) ? relative : "./" + relative;
    }

    private static string RepositoryPath(CommandContext context)
    {
        try
        {
            return context.RepositoryPath;
        }
        catch (EdgeSyncException)
        {
            return "";   // nothing is open
        }
    }

    private static string SettingOf(CommandContext context, string name)
    {
        if (CheckoutFinder.Find(Environment.CurrentDirectory) is null) return GlobalConfig.Get(name) ?? "";

        using var checkout = context.OpenCheckout();

        // The whole file: 2.21 has no comments in it, and takes their lines for values.
        var file = Path.Combine(checkout.Place.Root, ".fossil-settings", name);
        return StockSettings.IsVersionable(name) && File.Exists(file) ? File.ReadAllText(file).Trim()
            : checkout.Settings[name] ?? "";
    }
}
