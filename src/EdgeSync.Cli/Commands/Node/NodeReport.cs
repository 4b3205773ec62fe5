using EdgeSync.Cli.Printing;
using EdgeSync.Node.Daemon;
using EdgeSync.Node.Host;
using EdgeSync.Node.Repositories;
using EdgeSync.Node.Settings;

namespace EdgeSync.Cli.Commands.Node;

/// <summary>Runs a node as a command, and prints a report once it runs.</summary>
internal static class NodeCommand
{
    /// <summary>Runs the node of a repository that <c>up</c> or <c>join</c> set up.</summary>
    /// <param name="report">The report to print once it runs.</param>
    public static Task<ExitCode> RunAsync(
        CommandContext context, SavedNode node, Func<StartedNode, IReport> report,
        CancellationToken cancellationToken) =>
        RunAsync(context, node.Loader, "leaf", _ => { }, cancellationToken, report);

    /// <param name="report">The report to print; by default that of every node.</param>
    /// <param name="ownerKey"><see cref="NodeRunOptions.OwnerKey"/>.</param>
    public static async Task<ExitCode> RunAsync(
        CommandContext context, SettingsLoader loader, string role, Action<NodeSettings> require,
        CancellationToken cancellationToken,
        Func<StartedNode, IReport>? report = null, string? ownerKey = null)
    {
        var options = new NodeRunOptions
        {
            OwnerKey = ownerKey,
            Errors = context.Output.Errors,
            Clock = context.Clock,
            IsVerbose = context.IsVerbose,
            StopCause = () => Stopping.Cause?.ToString().ToLowerInvariant(),
            Started = started =>
            {
                context.Output.Write(report?.Invoke(started) ?? NodeReport.Of(started));
                context.Output.Flush();
            },
        };
        await NodeRun.RunAsync(loader, role, require, options, cancellationToken);
        return ExitCode.Ok;
    }
}

/// <param name="Repository">If there is only one.</param>
/// <param name="Address">The address for Fossil clients; absent without <c>--serve-http</c>.</param>
/// <param name="Addresses">By kind: <c>http</c>, <c>assets</c>, <c>nats</c>, <c>nats-leaf</c>, <c>websocket</c>,
/// <c>monitor</c>, <c>control</c>.</param>
internal sealed record NodeReport(
    string? Repository, string? Address, string Node, string Role, IReadOnlyList<string> Repositories,
    IReadOnlyDictionary<string, string> Addresses) : IReport
{
    /// <summary>Of the only repository.</summary>
    public string? ProjectCode { get; init; }

    /// <summary>Logins that a hub created, with their passwords, which are shown once.</summary>
    public IReadOnlyList<MadeUser>? Users { get; init; }

    /// <summary>Addresses for <c>--nats</c> of another machine, the best first.</summary>
    public IReadOnlyList<string> JoinAddresses { get; init; } = [];

    public static NodeReport Of(StartedNode node) => new(
        node.Repositories is [var only] ? only : null, node.Addresses.GetValueOrDefault("http"), node.Node, node.Role,
        node.Repositories, node.Addresses)
    {
        ProjectCode = node.ProjectCode,
        Users = node.Users.Count > 0 ? node.Users : null,
        JoinAddresses = node.JoinAddresses,
    };

    public void Print(TextWriter output)
    {
        output.WriteLine(
            Repositories.Count == 0 ? $"{Role} {Node} (Ctrl-C to stop)" : $"{Role} {Node} syncs "
                + $"{(Repositories.Count == 1 ? Repositories[0] : $"{Repositories.Count} repositories")} (Ctrl-C to "
                    + $"stop)");
        foreach (var user in Users ?? [])
            output.WriteLine(
                user.Password is null ? $"  created user {user.Login}" : $"  created user {user.Login}, password "
                    + $"{user.Password}");
        if (Address is not null && Repositories.Count > 0)
            output.WriteLine("  " + ListenAddress.CloneLine(Address, Repositories.Count > 1 ? "/NAME" : ""));
        if (Addresses.TryGetValue("assets", out var assets)) output.WriteLine($"  assets at {assets}");
        if (Addresses.TryGetValue("iroh", out var ticket))
            output.WriteLine($"  edgesync leaf --repo copy.fossil --iroh --iroh-peer {ticket}");
        if (JoinAddresses.Count == 0) return;

        output.WriteLine(
            $"  edgesync leaf --repo copy.fossil --nats {JoinAddresses[0]}"
                + (ProjectCode is null ? "" : $" --clone-from nats --project {ProjectCode}"));
        if (JoinAddresses.Count > 1) output.WriteLine($"  or --nats {string.Join(", ", JoinAddresses.Skip(1))}");
    }
}
