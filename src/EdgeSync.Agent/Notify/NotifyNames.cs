using System.Buffers;
using System.Globalization;
using System.Text;
using EdgeSync.Primitives;

namespace EdgeSync.Agent.Notify;

/// <summary>The words, paths and subjects of messages.</summary>
public static class NotifyNames
{
    public const string MessagePrefix = "msg-";
    public const string ThreadPrefix = "thread-";

    /// <summary>The digits that name a thread or a message in paths, subjects and commands.</summary>
    public const int ShortDigits = 8;

    private const int HexDigits = 32;
    private const int HexDigitsMax = 64;
    private const int ProjectLengthMax = 64;
    private const int MediaLengthMax = 128;

    private static readonly SearchValues<char> HexCharacters = SearchValues.Create("0123456789abcdef");

    /// <summary>The user of check-ins with messages.</summary>
    public const string User = "notify";

    /// <summary>
    /// The code of the repository of messages of a project: copies that are created on several machines are copies of
    /// one repository (docs/adr/0078).
    /// </summary>
    public static string ProjectCodeOf(string projectCode)
    {
        var hasher = new ArtifactHasher(HashKind.Sha1);
        hasher.Append(Encoding.UTF8.GetBytes($"notify {projectCode}"));
        return hasher.Finish().ToString();
    }

    /// <summary>The branch of a thread's check-ins.</summary>
    public static string BranchOf(NotifyMessage message) => ThreadPrefix + message.ThreadShort;

    /// <summary>The comment of a message's check-in.</summary>
    public static string CommentOf(string messageId) => $"notify: {messageId}";

    /// <exception cref="EdgeSyncException">The text cannot be the identity of a device.</exception>
    public static void RequireDevice(string name)
    {
        if (name.Length is 0 or > NotifyCodec.NameCharsMax || name.Any(char.IsControl))
            throw new EdgeSyncException(
                ErrorKind.Usage, $"'{name}' is not a name for a device",
                $"at most {NotifyCodec.NameCharsMax} characters, none of them a control character");
    }

    /// <summary>The digits of a thread that a person names by them or in full; null: there are none.</summary>
    public static string? ThreadDigits(string text) => DigitsOf(text, ThreadPrefix);

    /// <summary>The digits of a message that a person names by them or in full; null: there are none.</summary>
    public static string? MessageDigits(string text) => DigitsOf(text, MessagePrefix);

    public static string NewMessageId(Entropy entropy) => MessagePrefix + entropy.NextHex(HexDigits);

    public static string NewThreadId(Entropy entropy) => ThreadPrefix + entropy.NextHex(HexDigits);

    public static bool IsMessageId(string? text) => IsId(text, MessagePrefix);

    public static bool IsThreadId(string? text) => IsId(text, ThreadPrefix);

    /// <summary>
    /// A project is one token of a subject and one part of a path: letters, digits, <c>-</c> and <c>_</c>, at most 64.
    /// </summary>
    public static bool IsProject(string? text) =>
        text is { Length: > 0 and <= ProjectLengthMax } && !text.StartsWith('_') && text.All(IsNameCharacter);

    /// <summary>
    /// Name of a file with media: letters, digits, <c>-</c>, <c>_</c> and <c>.</c>, not first, at most 128.
    /// </summary>
    public static bool IsMedia(string? text) =>
        text is { Length: > 0 and <= MediaLengthMax } && text[0] != '.'
        && text.All(c => c == '.' || IsNameCharacter(c));

    /// <summary>The name of an unversioned file.</summary>
    public static string MediaPath(string project, string name) => $"{project}/media/{name}";

    /// <summary>The first eight digits after the prefix.</summary>
    public static string Short(string id, string prefix)
    {
        var digits = id.StartsWith(prefix, StringComparison.Ordinal) ? id[prefix.Length..] : id;
        return digits.Length > ShortDigits ? digits[..ShortDigits] : digits;
    }

    public static string FileOf(NotifyMessage message) => string.Create(
        CultureInfo.InvariantCulture,
        $"{message.Project}/threads/{message.ThreadShort}/{message.Timestamp.UnixSeconds}-"
            + $"{Short(message.Id, MessagePrefix)}.json");

    /// <summary>True for the path of a message file of any project; the content decides what it is.</summary>
    public static bool IsFile(string path)
    {
        var parts = path.Split('/');
        return parts is [var project, "threads", { Length: > 0 and <= ShortDigits }, var file]
            && IsProject(project) && file.EndsWith(".json", StringComparison.Ordinal);
    }

    /// <summary>All messages, acknowledgements and presence of a project.</summary>
    public static string SubjectsOf(string project) => $"notify.{project}.*";

    public static string AckSubject(string project) => $"notify.{project}.ack";

    public static string PresenceSubject(string project) => $"notify.{project}.presence";

    /// <summary>RFC 3339 to the second, in UTC.</summary>
    public static string Second(Instant time) =>
        time.ToDateTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>RFC 3339 with as many digits as needed, as Go writes it.</summary>
    public static string Time(Instant time) =>
        time.ToDateTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    /// <summary>RFC 3339 with any offset; digits beyond 100 ns are dropped.</summary>
    public static bool TryParseTime(string? text, out Instant time)
    {
        time = default;
        if (text is null || text.Length > 64) return false;

        var point = text.IndexOf('.', StringComparison.Ordinal);
        if (point >= 0)
        {
            var end = point + 1;
            while (end < text.Length && char.IsAsciiDigit(text[end])) end++;
            if (end - point > 8) text = string.Concat(text.AsSpan(0, point + 8), text.AsSpan(end));
        }

        if (!DateTimeOffset.TryParseExact(
            text, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
            out var parsed) || text[^1] is not ('Z' or 'z') && text.LastIndexOfAny(['+', '-']) <= text.IndexOf('T'))
            return false;

        time = Instant.FromDateTime(parsed);
        return true;
    }

    public static string WordOf(NotifyPriority priority) => priority switch
    {
        NotifyPriority.Urgent => "urgent",
        NotifyPriority.ActionRequired => "action_required",
        _ => "info",
    };

    /// <summary>An unknown word is <see cref="NotifyPriority.Info"/>.</summary>
    public static NotifyPriority PriorityOf(string? word) => word switch
    {
        "urgent" => NotifyPriority.Urgent,
        "action_required" => NotifyPriority.ActionRequired,
        _ => NotifyPriority.Info,
    };

    /// <summary>
    /// Actions from their labels with commas in between; an id is its label in lower case with <c>_</c> for blanks.
    /// </summary>
    public static IReadOnlyList<NotifyAction> ActionsOf(string? labels) => string.IsNullOrWhiteSpace(labels)
        ? []
        : [
            .. labels.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(ActionOf),
        ];

    /// <summary>An action from its label.</summary>
    public static NotifyAction ActionOf(string label) => new(label.Replace(' ', '_').ToLowerInvariant(), label);

    private static string? DigitsOf(string text, string prefix)
    {
        var digits = (text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text)
            .ToLowerInvariant();
        return digits.Length > 0 && digits.AsSpan().IndexOfAnyExcept(HexCharacters) < 0 ? digits : null;
    }

    private static bool IsId(string? text, string prefix) =>
        text is not null && text.StartsWith(prefix, StringComparison.Ordinal)
        && text.Length - prefix.Length is >= ShortDigits and <= HexDigitsMax
        && text.AsSpan(prefix.Length).IndexOfAnyExcept(HexCharacters) < 0;

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';
}
