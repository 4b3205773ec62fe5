using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Joining;

/// <summary>What a machine posts to <c>/join</c>: <c>{"token":HEX,"machine":NAME}</c>.</summary>
internal sealed record JoinRequest(byte[] Token, string Machine)
{
    public const string Path = "/join";
    public const string ContentType = "application/json";

    private const int MachineLengthMax = 64;

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(
        new JoinRequestFields { Token = Convert.ToHexStringLower(Token), Machine = Machine },
        JoinContext.Default.JoinRequestFields);

    /// <summary>Null when it is malformed.</summary>
    public static JoinRequest? TryParse(ReadOnlyMemory<byte> body)
    {
        if (!BoundaryJson.TryReadLeniently(body.Span, JoinContext.Default.JoinRequestFields, out var fields))
            return null;
        if (fields is not { Token: { Length: 2 * JoinCode.TokenBytes } token, Machine: { } machine }) return null;

        return token.All(char.IsAsciiHexDigit) && IsName(machine)
            ? new JoinRequest(Convert.FromHexString(token), machine)
            : null;
    }

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
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(JoinRequestFields))]
[JsonSerializable(typeof(JoinAnswerFields))]
internal sealed partial class JoinContext : JsonSerializerContext;
