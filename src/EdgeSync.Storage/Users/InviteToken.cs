using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeSync.Primitives;

namespace EdgeSync.Storage.Users;

/// <summary>
/// What a clone by invitation needs, in one word: base64url over <c>{"url":…,"login":…,"password":…,"caps":…}</c>. It
/// contains a password: show it once, never log it.
/// </summary>
public sealed record InviteToken(string Url, string Login, string Password, string Capabilities)
{
    private const int TextLengthMax = 16 * 1024;

    public string Encode() => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(
        new InviteFields { Url = Url, Login = Login, Password = Password, Caps = Capabilities },
        InviteContext.Default.InviteFields));

    /// <summary>False for an invalid token; unknown members are skipped.</summary>
    public static bool TryParse(string text, out InviteToken? token)
    {
        token = null;
        text = text.Trim();
        if (text.Length is 0 or > TextLengthMax || !Base64Url.IsValid(text)) return false;

        var json = Base64Url.DecodeFromChars(text);
        if (!BoundaryJson.TryReadLeniently(json, InviteContext.Default.InviteFields, out var fields)) return false;
        if (fields is not { Url: { Length: > 0 } url, Login: { Length: > 0 } login, Password: { } password })
            return false;

        token = new InviteToken(url, login, password, fields.Caps ?? "");
        return true;
    }

    /// <summary>Safe to log: without the password.</summary>
    public override string ToString() => $"invitation of {Login} to {Url}";
}

/// <summary>The members of an invitation.</summary>
internal sealed record InviteFields
{
    public string? Url { get; init; }

    public string? Login { get; init; }

    public string? Password { get; init; }

    public string? Caps { get; init; }
}

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(InviteFields))]
internal sealed partial class InviteContext : JsonSerializerContext;
