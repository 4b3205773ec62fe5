using System.Text.Json;
using EdgeSync.Primitives;

namespace EdgeSync.Node.Joining;

/// <summary>What a machine posts to <c>/join</c>: <c>{"token":HEX,"machine":NAME}</c>.</summary>
internal sealed record JoinRequest(byte[] Token, string Machine)
{
    public const string Path = "/join";
    public const string ContentType = "application/json";

    private const int MachineLengthMax = 64;

    public byte[] ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("token"u8, Convert.ToHexStringLower(Token));
            json.WriteString("machine"u8, Machine);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>Null when it is none.</summary>
    public static JoinRequest? TryParse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var root = json.RootElement;
            var token = Convert.FromHexString(root.GetProperty("token").GetString()!);
            var machine = root.GetProperty("machine").GetString()!;
            return token.Length == JoinCode.TokenBytes && IsName(machine) ? new JoinRequest(token, machine) : null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentNullException)
        {
            return null;
        }
    }

    private static bool IsName(string text) =>
        text.Length is > 0 and <= MachineLengthMax && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}

/// <summary>The answer: <c>{"login","password","project_code","node"}</c>.</summary>
internal sealed record JoinAnswer(string Login, string Password, string ProjectCode, string Node)
{
    public byte[] ToJson()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("login"u8, Login);
            json.WriteString("password"u8, Password);
            json.WriteString("project_code"u8, ProjectCode);
            json.WriteString("node"u8, Node);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <exception cref="EdgeSyncException">It is none.</exception>
    public static JoinAnswer Parse(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var root = json.RootElement;
            return new JoinAnswer(
                root.GetProperty("login").GetString()!, root.GetProperty("password").GetString()!, root.GetProperty("project_code").GetString()!,
                root.GetProperty("node").GetString()!);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new EdgeSyncException(ErrorKind.Protocol, "the node that was joined answered something else than a grant", "edgesync version, on both machines", e);
        }
    }
}
