using System.Text.Json.Serialization;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Commands.Repo;
using EdgeSync.Cli.Hosting;
using EdgeSync.Cli.Hosting.Control;
using EdgeSync.Cli.Hosting.Node;
using EdgeSync.Cli.Operations.Doctor;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// Every record that <c>--json</c> may print (docs/cli.md). Fields are only ever added. Printing is all that this can do: what
/// could read them too would make the program half a megabyte larger.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Serialization)]
[JsonSerializable(typeof(VersionReport))]
[JsonSerializable(typeof(FailureReport))]
[JsonSerializable(typeof(CompletionReport))]
[JsonSerializable(typeof(HashReport))]
[JsonSerializable(typeof(VerifyOutcomeReport))]
[JsonSerializable(typeof(RebuildOutcomeReport))]
[JsonSerializable(typeof(PurgeReport))]
[JsonSerializable(typeof(CheckinReport))]
[JsonSerializable(typeof(TagChangeReport))]
[JsonSerializable(typeof(BranchChangeReport))]
[JsonSerializable(typeof(AmendReport))]
[JsonSerializable(typeof(WikiPutReport))]
[JsonSerializable(typeof(SyncOutcomeReport))]
[JsonSerializable(typeof(CloneReport))]
[JsonSerializable(typeof(ServeReport))]
[JsonSerializable(typeof(ResolveReport))]
[JsonSerializable(typeof(CatReport))]
[JsonSerializable(typeof(LsReport))]
[JsonSerializable(typeof(ExtractReport))]
[JsonSerializable(typeof(CheckoutReport))]
[JsonSerializable(typeof(UserReport))]
[JsonSerializable(typeof(UserListReport))]
[JsonSerializable(typeof(InviteReport))]
[JsonSerializable(typeof(UnversionedListReport))]
[JsonSerializable(typeof(UnversionedReport))]
[JsonSerializable(typeof(ShunReport))]
[JsonSerializable(typeof(ShunChangeReport))]
[JsonSerializable(typeof(TagReport))]
[JsonSerializable(typeof(TagNamesReport))]
[JsonSerializable(typeof(BranchReport))]
[JsonSerializable(typeof(WikiReport))]
[JsonSerializable(typeof(WikiPageReport))]
[JsonSerializable(typeof(NewReport))]
[JsonSerializable(typeof(InfoReport))]
[JsonSerializable(typeof(TimelineReport))]
[JsonSerializable(typeof(ConfigReport))]
[JsonSerializable(typeof(ConfigValueReport))]
[JsonSerializable(typeof(ConfigSetReport))]
[JsonSerializable(typeof(QueryReport))]
[JsonSerializable(typeof(QueryChangeReport))]
[JsonSerializable(typeof(BackupReport))]
[JsonSerializable(typeof(DeltaReport))]
[JsonSerializable(typeof(ReadyReport))]
[JsonSerializable(typeof(SettingsReport))]
[JsonSerializable(typeof(SettingsCheckReport))]
[JsonSerializable(typeof(PathsReport))]
[JsonSerializable(typeof(NodeReport))]
[JsonSerializable(typeof(SyncNowReport))]
[JsonSerializable(typeof(PeersReport))]
[JsonSerializable(typeof(DaemonReport))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
internal sealed partial class CliJson : JsonSerializerContext;

/// <summary>What is read as well as written: the talk on a control socket, and the status that goes through it.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(NodeStatus))]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
internal sealed partial class ControlJson : JsonSerializerContext;

/// <summary>What stands on stdout when a command with <c>--json</c> fails.</summary>
internal sealed record FailureReport(Failure Error);

/// <param name="Kind">A word per exit code.</param>
internal sealed record Failure(string Kind, string Message, string? Hint, IReadOnlyList<string> Candidates);
