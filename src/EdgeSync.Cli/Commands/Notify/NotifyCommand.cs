using System.CommandLine;
using EdgeSync.Cli.Printing;
using EdgeSync.Node.Notify;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Notify;

/// <summary>The group of commands about messages (docs/notify.md).</summary>
internal static class NotifyCommand
{
    private static readonly Option<string?> Device = new("--device")
    {
        Description = "Name of this device in messages (default: the host's name and four digits).",
        HelpName = "NAME"
    };

    public static CommandSpec Create() => new("notify", "Messages between people, scripts and machines.")
    {
        Subcommands =
        {
            new CommandSpec("init", "Create the repository of messages, or name this device.", RunInit)
            {
                Options = { Device },
                Notes = "The repository is notify.fossil beside that of -R. Copies that are made beside copies of one "
                    + "project on other machines are copies of each other: 'edgesync leaf --notify' syncs them.",
                Examples = ["notify init -R project.fossil", "notify init -R project.fossil --device port-laptop"],
            },
            SendingCommands.Send(),
            SendingCommands.Ask(),
            SendingCommands.Reply(),
            SendingCommands.Act(),
            WatchCommand.Create(),
            ReadingCommands.Threads(),
            ReadingCommands.Log(),
            ReadingCommands.Media(),
            ReadingCommands.Trace(),
            new CommandSpec("status", "Show where messages are kept, and what is unread.", RunStatus)
            {
                Options = { NotifyOptions.Project },
                Examples = ["notify status", "notify status -R project.fossil --json"],
            },
            DeviceCommands.Pair(),
            DeviceCommands.Unpair(),
            DeviceCommands.Devices(),
        },
    };

    private static ExitCode RunInit(CommandContext context)
    {
        var path = NotifyOptions.PathOf(context);
        var beside = context.NamedRepository ?? FindOrNull();
        var isNew = NotifyPlace.CreateMissing(
            path, beside is null ? null : NotifyPlace.CodeBeside(beside), context.Clock);
        using var repository = context.OpenToWrite(path);
        if (context.Get(Device) is { } device) NotifyRepository.SetDevice(repository, device);
        var notify = new NotifyRepository(repository);
        notify.Update();
        context.Output.Write(new NotifyInitReport(
            isNew ? "created" : "already_created", path, repository.ProjectCode, notify.Device));
        return ExitCode.Ok;

        static string? FindOrNull()
        {
            try
            {
                return RepositoryFinder.Find(Environment.CurrentDirectory);
            }
            catch (EdgeSyncException)
            {
                return null;
            }
        }
    }

    private static ExitCode RunStatus(CommandContext context)
    {
        using var repository = NotifyOptions.Open(context);
        var notify = new NotifyRepository(repository);
        notify.Update();
        notify.PurgeTokens();
        var wanted = context.Get(NotifyOptions.Project);
        var projects = notify.Queries.Projects().Where(p => wanted is null || p.Project == wanted)
            .Select(p => new NotifyProjectItem(p.Project, p.Threads, p.Messages, p.Unread)).ToList();
        var (unreadable, waiting) = notify.Queries.Remainder();
        context.Output.Write(new NotifyStatusReport(
            repository.Path, repository.ProjectCode, notify.Device, projects, notify.Devices(), unreadable, waiting));
        return ExitCode.Ok;
    }
}

/// <param name="Status"><c>created</c> or <c>already_created</c>.</param>
internal sealed record NotifyInitReport(string Status, string Path, string ProjectCode, string Device) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(Path);
}

/// <param name="Device">The name of this copy.</param>
/// <param name="Unreadable">Files in the place of messages that are none.</param>
/// <param name="Waiting">Messages that wait for content or for earlier ones.</param>
internal sealed record NotifyStatusReport(
    string Path, string ProjectCode, string Device, IReadOnlyList<NotifyProjectItem> Projects,
    IReadOnlyList<NotifyDeviceItem> Devices, long Unreadable, long Waiting) : IReport
{
    public void Print(TextWriter output)
    {
        output.WriteLine($"{Path}");
        output.WriteLine($"  this device: {DisplayText.Name(Device)}");
        foreach (var project in Projects)
            output.WriteLine(
                $"  {DisplayText.Name(project.Project)}: {DisplayText.Number(project.Unread)} unread, "
                + $"{DisplayText.Number(project.Messages)} messages in {DisplayText.Number(project.Threads)} threads");
        if (Projects.Count == 0) output.WriteLine("  no messages");
        foreach (var device in Devices) DeviceText.Line(output, "  ", device);
        if (Waiting > 0) output.WriteLine($"  {Waiting} messages wait for content or for earlier ones");
        if (Unreadable > 0) output.WriteLine($"  {Unreadable} files are no messages");
    }
}
