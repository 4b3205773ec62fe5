using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeSync.Cli.Printing;

/// <summary>
/// An enumeration as words. The one that comes with the library knows flags, numbers and policies too, which costs 50 KB a
/// type in the finished program.
/// </summary>
internal abstract class WordConverter<T>((string Word, T Value)[] words) : JsonConverter<T>
    where T : struct, Enum
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        foreach (var (word, value) in words)
        {
            if (string.Equals(word, text, StringComparison.OrdinalIgnoreCase)) return value;
        }

        throw new JsonException($"'{text}' is none of: {string.Join(", ", Words())}");
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        foreach (var (word, known) in words)
        {
            if (EqualityComparer<T>.Default.Equals(known, value)) writer.WriteStringValue(word);
        }
    }

    private IEnumerable<string> Words()
    {
        foreach (var (word, _) in words) yield return word;
    }
}
