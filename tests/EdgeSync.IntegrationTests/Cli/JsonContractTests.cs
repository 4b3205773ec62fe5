using System.Collections;
using System.Reflection;
using System.Text;
using System.Text.Json;
using EdgeSync.Node.Status;
using EdgeSync.Node.Control;
using EdgeSync.Node.Web;
using EdgeSync.Node.Web.Pages;
using EdgeSync.Cli.Printing;
using EdgeSync.Nats.Broker.Monitoring;
using EdgeSync.Tests.Support;

namespace EdgeSync.IntegrationTests.Cli;

/// <summary>
/// The JSON that users and scripts read, pinned: every report, status, control message, page and monitoring page, with
/// all fields set and with none that may be absent. <c>Vectors/json/contract.txt</c>: a name, a tab, the bytes written,
/// a line each.
/// </summary>
public sealed class JsonContractTests
{
    private static readonly Type[] MonitoringPages =
    [
        typeof(VarzReport), typeof(ConnzReport), typeof(SubszReport), typeof(LeafzReport), typeof(HealthReport),
        typeof(RoutezReport), typeof(GatewayzReport), typeof(AccountzReport), typeof(JszReport),
    ];

    private static readonly NullabilityInfoContext Nullability = new();

    [Test]
    public void The_JSON_written_matches_the_contract()
    {
        var written = Lines().ToList();

        Assert.Equal(File.ReadAllLines(Vectors.PathOf("json", "contract.txt")), written);
    }

    [Test]
    public void A_status_is_read_as_it_was_written()
    {
        foreach (var isFull in (bool[])[true, false])
        {
            var line = ControlLine.BytesOf((ControlReply)Made(typeof(ControlReply), isFull)!);

            Assert.Equal(
                Encoding.UTF8.GetString(line),
                Encoding.UTF8.GetString(ControlLine.BytesOf(ControlLine.Parse<ControlReply>(line[..^1]))));
        }
    }

    private static IEnumerable<string> Lines()
    {
        var reports = typeof(IReport).Assembly.GetTypes().Where(t => t.IsClass && typeof(IReport).IsAssignableFrom(t))
            .OrderBy(t => t.Name, StringComparer.Ordinal);
        foreach (var type in reports)
            foreach (var line in Both(type, value => Written((IReport)value))) yield return line;
        foreach (var line in Both(
            typeof(NodeStatus), value => Encoding.UTF8.GetString(OperationsEndpoints.ToJson((NodeStatus)value))))
            yield return line;
        foreach (var line in Both(
            typeof(ControlRequest), value => Encoding.UTF8.GetString(ControlLine.BytesOf((ControlRequest)value))))
            yield return line;
        foreach (var line in Both(
            typeof(ControlReply), value => Encoding.UTF8.GetString(ControlLine.BytesOf((ControlReply)value))))
            yield return line;
        var pages = typeof(IPageModel).Assembly.GetTypes()
            .Where(t => t.IsClass && typeof(IPageModel).IsAssignableFrom(t))
            .OrderBy(t => t.Name, StringComparer.Ordinal);
        foreach (var type in pages)
            foreach (var line in Both(
                type, value => Encoding.UTF8.GetString(PageSender.ToJson((IPageModel)value))))
                yield return "Page " + line;
        foreach (var type in MonitoringPages) foreach (var line in Both(type, MonitoringJson.Write)) yield return line;
        yield return "Failure\t" + OneLine(Failed());
    }

    private static IEnumerable<string> Both(Type type, Func<object, string> write) =>
        [
            $"{type.Name} full\t{OneLine(write(Made(type, isFull: true)!))}",
            $"{type.Name} bare\t{OneLine(write(Made(type, isFull: false)!))}"];

    private static string OneLine(string text) => text.Replace("\n", "⏎", StringComparison.Ordinal);

    private static string Written(IReport report)
    {
        using var results = new MemoryStream();
        using (var output = Output.To(results, Stream.Null, isJson: true)) output.Write(report);
        return Encoding.UTF8.GetString(results.ToArray());
    }

    private static string Failed()
    {
        using var results = new MemoryStream();
        using (var output = Output.To(results, Stream.Null, isJson: true))
            output.WriteFailure(
                new EdgeSync.Primitives.EdgeSyncException(
                    EdgeSync.Primitives.ErrorKind.Conflict, "a \"b\" é", "try")
                { Candidates = ["<c>"] });
        return Encoding.UTF8.GetString(results.ToArray());
    }

    /// <summary>A value that shows itself: texts hold what encoders treat differently, numbers are not zero.</summary>
    private static object? Made(Type type, bool isFull)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying) return isFull ? Made(underlying, isFull) : null;
        if (type == typeof(string)) return isFull ? "a \"b\" <µé>" : "";
        if (type == typeof(bool)) return isFull;
        if (type == typeof(JsonElement)) return JsonDocument.Parse("""{"any": 1}""").RootElement;
        if (type == typeof(DateTime)) return DateTime.UnixEpoch.AddDays(9).AddMilliseconds(isFull ? 25 : 0);
        if (type == typeof(DateTimeOffset)) return DateTimeOffset.UnixEpoch.AddDays(9).AddMilliseconds(isFull ? 25 : 0);
        if (type == typeof(double)) return isFull ? 7.25 : 0.0;
        if (type.IsEnum) return Enum.GetValues(type).GetValue(isFull ? 1 : 0);
        if (type.IsPrimitive)
            return Convert.ChangeType(isFull ? 7 : 0, type, System.Globalization.CultureInfo.InvariantCulture);
        if (type.IsGenericType)
            return type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>)
                ? Map(type, isFull)
                : List(type, isFull);

        var constructor = type.GetConstructors().OrderByDescending(c => c.GetParameters().Length).First();
        var made = constructor.Invoke(
            [
                .. constructor.GetParameters().Select(
                    p => MayBeNull(Nullability.Create(p).WriteState, isFull) ? null : Made(p.ParameterType, isFull))]);
        foreach (var property in type.GetProperties().Where(p => p.SetMethod is not null))
            property.SetValue(
                made,
                MayBeNull(
                    Nullability.Create(property).WriteState, isFull) ? null : Made(property.PropertyType, isFull));
        return made;
    }

    private static bool MayBeNull(NullabilityState state, bool isFull) => !isFull && state == NullabilityState.Nullable;

    private static IList List(Type type, bool isFull)
    {
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(type.GetGenericArguments()))!;
        if (isFull) list.Add(Made(type.GetGenericArguments()[0], isFull));
        return list;
    }

    private static IDictionary Map(Type type, bool isFull)
    {
        var map = (IDictionary)Activator.CreateInstance(
            typeof(Dictionary<,>).MakeGenericType(type.GetGenericArguments()))!;
        if (isFull) map.Add("Some key", Made(type.GetGenericArguments()[1], isFull));
        return map;
    }
}
