using System.Text.Json;

namespace EdgeSync.Primitives;

/// <summary>
/// What becomes one JSON object by writing its own fields: names in snake case, null left out (<see cref="JsonWriting"/>). The
/// serializer of the framework, generated code included, would be a tenth of the program.
/// </summary>
public interface IJsonObject
{
    /// <summary>The fields alone: the braces around them are already there.</summary>
    void WriteFields(Utf8JsonWriter json);
}
