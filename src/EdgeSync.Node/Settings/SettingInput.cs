namespace EdgeSync.Node.Settings;

/// <summary>The input of a flag or variable for one place: a text, or a list that replaces the list there.</summary>
/// <param name="Values">
/// Texts, each by its path below the place: <c>("", "2s")</c>, <c>("[0]", "http://a")</c>, <c>("[0].login", "u")</c>.
/// </param>
internal sealed record SettingInput(bool IsList, IReadOnlyList<(string Below, string Text)> Values)
{
    /// <summary>A list of one object with defaults only.</summary>
    public static SettingInput OneDefault { get; } = new(IsList: true, [("[0]", "")]);

    public static SettingInput Of(string text) => new(IsList: false, [("", text)]);

    public static SettingInput Of(bool isOn) => Of(isOn ? "true" : "false");

    /// <summary>
    /// A list, each element by its fields: <c>("", text)</c> is a text, <c>(".login", text)</c> a field.
    /// </summary>
    public static SettingInput List(IEnumerable<IEnumerable<(string Below, string Text)>> elements) =>
        new(IsList: true, [.. elements.SelectMany((fields, i) => fields.Select(f => ($"[{i}]{f.Below}", f.Text)))]);
}
