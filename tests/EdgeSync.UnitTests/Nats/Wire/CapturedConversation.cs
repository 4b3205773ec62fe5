using System.Text;
using EdgeSync.Tests.Support;

namespace EdgeSync.UnitTests.Nats.Wire;

/// <summary>
/// What a client sent to nats-server 2.9.10 and what came back: a line of <c>Vectors/nats/client.txt</c>.
/// </summary>
internal sealed record CapturedConversation(string Name, byte[] Input, byte[] Output, bool IsClosed)
{
    private const string Closed = "(closed)";

    public static IReadOnlyList<CapturedConversation> All { get; } =
        [.. File.ReadAllLines(Vectors.PathOf("nats", "client.txt")).Select(Parse)];

    public static CapturedConversation Of(string name) => All.Single(conversation => conversation.Name == name);

    private static CapturedConversation Parse(string line)
    {
        var parts = line.Split('\t');
        var isClosed = parts[2].EndsWith(Closed, StringComparison.Ordinal);
        var output = isClosed ? parts[2][..^Closed.Length] : parts[2];
        return new(parts[0], Unescape(parts[1]), Unescape(output), isClosed);
    }

    private static byte[] Unescape(string text)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                plain.Append(text[i]);
                continue;
            }

            switch (text[++i])
            {
                case 'r': plain.Append('\r'); break;
                case 'n': plain.Append('\n'); break;
                case 't': plain.Append('\t'); break;
                case '*':
                    var end = i + 1;
                    while (char.IsAsciiDigit(text[end])) end++;
                    plain.Append(
                        text[end],
                        int.Parse(text.AsSpan(i + 1, end - i - 1), System.Globalization.CultureInfo.InvariantCulture));
                    i = end;
                    break;
                default: plain.Append(text[i]); break;
            }
        }

        return Encoding.Latin1.GetBytes(plain.ToString());
    }
}
