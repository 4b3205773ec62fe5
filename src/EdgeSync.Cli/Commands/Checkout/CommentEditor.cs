using System.Diagnostics;
using System.Text;
using EdgeSync.Fossil.Checkout;
using EdgeSync.Primitives;
using EdgeSync.Storage.Authoring;
using EdgeSync.Storage.Checkout;

namespace EdgeSync.Cli.Commands.Checkout;

/// <summary>A comment written in the user's editor. Spec: prepare_commit_comment in checkin.c.</summary>
internal static class CommentEditor
{
    private const string Remembered = "ci-comment";

    public static string ReadFile(string path) =>
        Encoding.UTF8.GetString(InputFile.ReadAll(path)).TrimStart('\ufeff').TrimEnd();

    /// <summary>What was written; it is kept for the next attempt when the commit is refused.</summary>
    /// <exception cref="EdgeSyncException">No editor is set, or it failed.</exception>
    public static string Ask(WorkingCheckout checkout, IReadOnlyList<TrackedFile> files, CommitOptions checkin)
    {
        var text = Ask(checkout, Template(checkout, files, checkin));
        checkout.Tables[Remembered] = text;
        return text;
    }

    /// <summary>What is put aside. Spec: stash_create in stash.c.</summary>
    public static string AskForStash(WorkingCheckout checkout) => Ask(
        checkout,
        "\n# Enter a description of what is being stashed.  Lines beginning\n"
            + "# with \"#\" are ignored.  Stash comments are plain text except\n# newlines are not preserved.\n");

    /// <summary>What the editor makes of a text, lines with a number sign in front left out.</summary>
    public static string Ask(WorkingCheckout checkout, string template)
    {
        var editor = EditorOf(name => checkout.Settings[name])
            ?? throw new EdgeSyncException(
                ErrorKind.Usage, "a comment is needed, and no editor is set",
                "-m TEXT, or the environment variable EDITOR");
        var random = Path.GetRandomFileName().Replace(".", "", StringComparison.Ordinal);
        var path = Path.Combine(checkout.Place.Root, $"ci-comment-{random.PadRight(12, '0')[..12]}.txt");
        try
        {
            File.WriteAllText(path, template);
            Edit(editor, path);
            return CommentIn(File.ReadAllText(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The lines that do not begin with a number sign.</summary>
    internal static string CommentIn(string text) =>
        string.Join(
            '\n', text.TrimStart('\ufeff').ReplaceLineEndings("\n").Split('\n')
                .Where(l => !l.StartsWith('#'))).Trim();

    /// <summary>The editor of the settings or of the environment, or null.</summary>
    // Spec: fossil_text_editor in util.c.
    internal static string? EditorOf(Func<string, string?> setting) =>
        setting("editor") is { Length: > 0 } own ? own
        : Environment.GetEnvironmentVariable("VISUAL") is { Length: > 0 } visual ? visual
        : Environment.GetEnvironmentVariable("EDITOR") is { Length: > 0 } editor ? editor
        : null;

    private static string Template(
        WorkingCheckout checkout, IReadOnlyList<TrackedFile> files, CommitOptions checkin)
    {
        var text = new StringBuilder(checkout.Tables[Remembered]);
        text.Append(
            "\n# Enter a commit message for this check-in. Lines beginning with # are ignored.\n#\n");
        text.Append("# user: ").Append(checkin.User).Append('\n');
        var branch = checkin.Branch ?? (checkout.Version.IsNone ? null
            : CheckinDescription.BranchOf(checkout.Repository, checkout.Version));
        if (branch is not null)
            text.Append("# tags: ").AppendJoin(", ", [branch, .. checkin.Tags]).Append("\n#\n");
        foreach (var file in files)
            if (ChangeClass.Of(
                file, checkout.StateOf(file.Name), ChangeFilter.Default,
                () => checkout.HasConflictMarker(file.Name)) is { } line)
                text.Append("# ").Append(line.Class.PadRight(10)).Append(' ').Append(line.Name).Append('\n');
        if (checkin.IsPrivate)
            text.Append("# PRIVATE BRANCH: This check-in will be private and will not sync to\n# repositories.\n#\n");
        return text.ToString();
    }

    /// <summary>Waits until the editor has ended.</summary>
    /// <exception cref="EdgeSyncException">It failed.</exception>
    internal static void Edit(string editor, string path)
    {
        var start = OperatingSystem.IsWindows()
            ? new ProcessStartInfo("cmd.exe") { ArgumentList = { "/c", $"{editor} \"{path}\"" } }
            : new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", $"{editor} \"$1\"", "sh", path } };
        start.UseShellExecute = false;
        using var process = Process.Start(start)
            ?? throw new EdgeSyncException(ErrorKind.System, $"the editor '{editor}' does not start", "-m TEXT");
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new EdgeSyncException(
                ErrorKind.System, $"the editor '{editor}' ended with {process.ExitCode}; nothing was committed",
                "-m TEXT");
    }
}
