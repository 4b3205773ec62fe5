using System.Text.Json.Serialization;
using EdgeSync.Cli.Commands;
using EdgeSync.Cli.Commands.History;
using EdgeSync.Cli.Commands.Node;
using EdgeSync.Cli.Commands.Repo;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// Every report as JSON: names in snake case, in the order of declaration; null is omitted (docs/cli.md).
/// </summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AmendReport))]
[JsonSerializable(typeof(AnnotateReport))]
[JsonSerializable(typeof(BackupReport))]
[JsonSerializable(typeof(BranchChangeReport))]
[JsonSerializable(typeof(BranchReport))]
[JsonSerializable(typeof(CatReport))]
[JsonSerializable(typeof(CheckinReport))]
[JsonSerializable(typeof(CheckoutReport))]
[JsonSerializable(typeof(CloneReport))]
[JsonSerializable(typeof(CompletionReport))]
[JsonSerializable(typeof(ConfigReport))]
[JsonSerializable(typeof(ConfigSetReport))]
[JsonSerializable(typeof(ConfigValueReport))]
[JsonSerializable(typeof(DaemonReport))]
[JsonSerializable(typeof(DeltaReport))]
[JsonSerializable(typeof(DiffReport))]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(ExtractReport))]
[JsonSerializable(typeof(FailureReport))]
[JsonSerializable(typeof(FinfoReport))]
[JsonSerializable(typeof(HashReport))]
[JsonSerializable(typeof(HelpReport))]
[JsonSerializable(typeof(InfoReport))]
[JsonSerializable(typeof(InviteReport))]
[JsonSerializable(typeof(JoinReport))]
[JsonSerializable(typeof(LsReport))]
[JsonSerializable(typeof(ManReport))]
[JsonSerializable(typeof(NewReport))]
[JsonSerializable(typeof(NodeReport))]
[JsonSerializable(typeof(PathsReport))]
[JsonSerializable(typeof(PeersReport))]
[JsonSerializable(typeof(PurgeReport))]
[JsonSerializable(typeof(QueryChangeReport))]
[JsonSerializable(typeof(QueryReport))]
[JsonSerializable(typeof(ReadyReport))]
[JsonSerializable(typeof(RebuildOutcomeReport))]
[JsonSerializable(typeof(ResolveReport))]
[JsonSerializable(typeof(ServeReport))]
[JsonSerializable(typeof(SettingsCheckReport))]
[JsonSerializable(typeof(SettingsReport))]
[JsonSerializable(typeof(ShunChangeReport))]
[JsonSerializable(typeof(ShunReport))]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(SyncNowReport))]
[JsonSerializable(typeof(SyncOutcomeReport))]
[JsonSerializable(typeof(TagChangeReport))]
[JsonSerializable(typeof(TagNamesReport))]
[JsonSerializable(typeof(TaggedReport))]
[JsonSerializable(typeof(TagReport))]
[JsonSerializable(typeof(TimelineReport))]
[JsonSerializable(typeof(UnversionedListReport))]
[JsonSerializable(typeof(UnversionedReport))]
[JsonSerializable(typeof(UpReport))]
[JsonSerializable(typeof(UserListReport))]
[JsonSerializable(typeof(UserReport))]
[JsonSerializable(typeof(CapabilitiesReport))]
[JsonSerializable(typeof(VerifyOutcomeReport))]
[JsonSerializable(typeof(VersionReport))]
[JsonSerializable(typeof(WikiPageReport))]
[JsonSerializable(typeof(WikiPutReport))]
[JsonSerializable(typeof(WikiReport))]
internal sealed partial class ReportContext : JsonSerializerContext;
