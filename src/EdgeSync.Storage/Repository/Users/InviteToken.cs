using System.Buffers.Text;
using System.Text.Json;

namespace EdgeSync.Storage;

/// <summary>
/// What an invited person needs to clone, in one word: base64url over
/// <c>{"url":…,"login":…,"password":…,"caps":…}</c>. It holds a password: show it once, never log it.
/// </summary>
public sealed record InviteToken(string Url, string Login, string Password, string Capabilities)
{
    private const int TextLengthMax = 16 * 1024;

    public string Encode()
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("url"u8, Url);
            writer.WriteString("login"u8, Login);
            writer.WriteString("password"u8, Password);
            writer.WriteString("caps"u8, Capabilities);
            writer.WriteEndObject();
        }

        return Base64Url.EncodeToString(json.ToArray());
    }

    /// <summary>False for anything that is no token; members that we do not know are skipped.</summary>
    public static bool TryParse(string text, out InviteToken? token)
    {
        token = null;
        text = text.Trim();
        if (text.Length is 0 or > TextLengthMax || !Base64Url.IsValid(text)) return false;

        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(text));
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return false;
            if (Member(root, "url") is not { Length: > 0 } url) return false;
            if (Member(root, "login") is not { Length: > 0 } login) return false;
            if (Member(root, "password") is not { } password) return false;

            token = new InviteToken(url, login, password, Member(root, "caps") ?? "");
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Safe to log: without the password.</summary>
    public override string ToString() => $"invitation of {Login} to {Url}";

    private static string? Member(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
