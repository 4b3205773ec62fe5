using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Joining;

/// <summary>
/// What a machine posts to <c>/join</c>, or sends over an iroh stream:
/// <c>{"token":HEX,"machine":NAME,"endpoint":ID}</c>.
/// </summary>
/// <param name="Endpoint">The id of the machine's iroh endpoint, 64 hex digits; null without one.</param>
internal sealed record JoinRequest(byte[] Token, string Machine, string? Endpoint = null)
{
    public const string Path = "/join";
    public const string ContentType = "application/json";

    private const int MachineLengthMax = 64;
    private const int IdDigits = 64;

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        new JoinRequestFields
        {
            Token = Convert.ToHexStringLower(Token),
            Machine = Machine,
            Endpoint = Endpoint,
        },
        JoinContext.Default.JoinRequestFields);

    /// <summary>Null when it is malformed.</summary>
    public static JoinRequest? TryParse(ReadOnlyMemory<byte> body)
    {
        if (!BoundaryJson.TryReadLeniently(body.Span, JoinContext.Default.JoinRequestFields, out var fields))
            return null;
        if (fields is not { Token: { Length: 2 * JoinCode.TokenBytes } token, Machine: { } machine }) return null;

        return token.All(char.IsAsciiHexDigit) && IsName(machine)
            ? new JoinRequest(Convert.FromHexString(token), machine, IsId(fields.Endpoint) ? fields.Endpoint : null)
            : null;
    }

    private static bool IsId(string? text) =>
        text is { Length: IdDigits } && text.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    private static bool IsName(string text) =>
        text.Length is > 0 and <= MachineLengthMax && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}

/// <summary>The reply: <c>{"login","password","project_code","node"}</c>.</summary>
internal sealed record JoinAnswer(string Login, string Password, string ProjectCode, string Node)
{
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        new JoinAnswerFields { Login = Login, Password = Password, ProjectCode = ProjectCode, Node = Node },
        JoinContext.Default.JoinAnswerFields);

    /// <exception cref="EdgeSyncException">It is malformed.</exception>
    public static JoinAnswer Parse(byte[] body) =>
        BoundaryJson.TryReadLeniently(body, JoinContext.Default.JoinAnswerFields, out var fields)
        && fields is { Login: { } login, Password: { } password, ProjectCode: { } project, Node: { } node }
            ? new JoinAnswer(login, password, project, node)
            : throw new EdgeSyncException(
                ErrorKind.Protocol, "invalid reply to the join request",
                "edgesync version, on both machines");
}

/// <summary>The request's members on the wire.</summary>
internal sealed record JoinRequestFields
{
    public string? Token { get; init; }

    public string? Machine { get; init; }

    public string? Endpoint { get; init; }
}

/// <summary>The reply's members on the wire.</summary>
internal sealed record JoinAnswerFields
{
    public string? Login { get; init; }

    public string? Password { get; init; }

    public string? ProjectCode { get; init; }

    public string? Node { get; init; }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JoinRequestFields))]
[JsonSerializable(typeof(JoinAnswerFields))]
internal sealed partial class JoinContext : JsonSerializerContext;
