using System.Text.Json.Serialization;
using EdgeSync.Node.Web.Pages.Admin;

namespace EdgeSync.Node.Web.Pages;

/// <summary>The JSON of the pages (<c>?format=json</c>): names as in all reports of the program.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HomeView))]
[JsonSerializable(typeof(NodeView))]
[JsonSerializable(typeof(NodeOverview))]
[JsonSerializable(typeof(TimelineView))]
[JsonSerializable(typeof(CheckinView))]
[JsonSerializable(typeof(FactsView))]
[JsonSerializable(typeof(FilesView))]
[JsonSerializable(typeof(FileView))]
[JsonSerializable(typeof(HistoryView))]
[JsonSerializable(typeof(AnnotateView))]
[JsonSerializable(typeof(BranchesView))]
[JsonSerializable(typeof(TagsView))]
[JsonSerializable(typeof(WikiListView))]
[JsonSerializable(typeof(WikiView))]
[JsonSerializable(typeof(WikiHistoryView))]
[JsonSerializable(typeof(TechnotesView))]
[JsonSerializable(typeof(TechnoteView))]
[JsonSerializable(typeof(TicketsView))]
[JsonSerializable(typeof(TicketView))]
[JsonSerializable(typeof(ReportView))]
[JsonSerializable(typeof(ForumView))]
[JsonSerializable(typeof(ThreadView))]
[JsonSerializable(typeof(SearchView))]
[JsonSerializable(typeof(UnversionedView))]
[JsonSerializable(typeof(NotifyThreadsView))]
[JsonSerializable(typeof(NotifyThreadView))]
[JsonSerializable(typeof(UsersView))]
[JsonSerializable(typeof(UserView))]
[JsonSerializable(typeof(SettingsView))]
[JsonSerializable(typeof(ProblemView))]
[JsonSerializable(typeof(LoginView))]
internal sealed partial class PagesContext : JsonSerializerContext;
