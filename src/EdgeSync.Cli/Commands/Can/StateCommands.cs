using EdgeSync.Cli.Printing;
using EdgeSync.Node.Can;
using EdgeSync.Primitives;

namespace EdgeSync.Cli.Commands.Can;

/// <summary><c>can verify</c> and <c>can status</c>.</summary>
internal static class StateCommands
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public static CommandSpec Verify() => new("verify", "Check every file of the store against its hash.", VerifyAsync)
    {
        Options = { CanOptions.Url, CanOptions.Config },
        Notes = "Needs the admin_token of the settings. Ends with exit code 8 when an asset is corrupted or missing.",
        Examples = ["can verify", "can verify --config can.yaml --json"],
    };

    public static CommandSpec Status() => new("status", "Show how many assets a store holds.", StatusAsync)
    {
        Options = { CanOptions.Url, CanOptions.Config },
        Examples = ["can status", "can status --json"],
    };

    private static async Task<ExitCode> VerifyAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        using var progress = new Progress(context.Output, "verifying");
        var state = await client.VerifyAsync(starts: true, cancellationToken);
        while (state.Running)
        {
            progress.Report(() => "the service reads its files");
            await Task.Delay(Pause, context.Clock, cancellationToken);
            state = await client.VerifyAsync(starts: false, cancellationToken);
        }

        progress.Dispose();
        context.Output.Write(new CanVerifyReport(state.Checked, state.Corrupted, state.Missing));
        return state.Corrupted + state.Missing > 0 ? ExitCode.Corrupt : ExitCode.Ok;
    }

    private static async Task<ExitCode> StatusAsync(CommandContext context, CancellationToken cancellationToken)
    {
        using var client = CanOptions.Client(context);
        var state = await client.StatusAsync(cancellationToken);
        context.Output.Write(new CanStatusReport(
            state.Version, state.Storage, state.Assets, state.Bytes, state.Trashed, state.Corrupted, state.DiskFree)
        {
            Mirror = state.Mirror,
        });
        return ExitCode.Ok;
    }
}

internal sealed record CanVerifyReport(long Checked, long Corrupted, long Missing) : IReport
{
    public void Print(TextWriter output) => output.WriteLine(
        $"{DisplayText.Number(Checked)} assets checked: {Corrupted} corrupted, {Missing} missing");
}

internal sealed record CanStatusReport(
    string Version, string Storage, long Assets, long Bytes, long Trashed, long Corrupted, long DiskFree) : IReport
{
    /// <summary>The store's part in a mirror; null: it takes part in none.</summary>
    public CanMirror? Mirror { get; init; }

    public void Print(TextWriter output)
    {
        output.WriteLine(
            $"{DisplayText.Number(Assets)} assets of {DisplayText.Number(Bytes)} bytes in {DisplayText.Name(Storage)}");
        output.WriteLine($"  {DisplayText.Number(Trashed)} in the trash, {DisplayText.Number(Corrupted)} corrupted");
        output.WriteLine($"  {DisplayText.Number(DiskFree)} bytes free on the disk");
        if (Mirror is not null) CanText.Mirror(output, Mirror);
    }
}
