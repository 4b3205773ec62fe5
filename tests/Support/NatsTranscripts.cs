namespace EdgeSync.Tests.Support;

/// <summary>
/// What a client sends after the usual CONNECT (headers, no responders), and what a server answers: captured from
/// nats-server
/// 2.9.10, held against our broker by the unit tests and against the real server by the interop tests.
/// </summary>
internal static class NatsTranscripts
{
    /// <summary>The connection stays. Several answers to one message come in any order, here in ours.</summary>
    public static TheoryData<string, string> Staying() => new()
    {
        { "SUB a 1\r\nSUB b 1\r\nPUB a 1\r\nx\r\nPUB b 1\r\ny\r\n", "MSG a 1 1\r\nx\r\n" },
        { "SUB a 1\r\nUNSUB 1 2\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\n", "MSG a 1 1\r\n1\r\nMSG a 1 "
            + "1\r\n2\r\n" },
        { "SUB a 1\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nUNSUB 1 2\r\nPUB a 1\r\n3\r\n", "MSG a 1 1\r\n1\r\nMSG a 1 "
            + "1\r\n2\r\n" },
        { "SUB a 1\r\nUNSUB 1 0\r\nPUB a 1\r\n1\r\n", "" },
        { "SUB a.b 1\r\nSUB a.* 2\r\nSUB a.> 3\r\nPUB a.* 1\r\nx\r\n", "MSG a.* 3 1\r\nx\r\nMSG a.* 2 1\r\nx\r\n" },
        { "SUB > 1\r\nSUB a 2\r\nPUB > 1\r\nx\r\n", "MSG > 1 1\r\nx\r\n" },
        { "SUB foo* 1\r\nPUB foo* 1\r\nx\r\nPUB foot 1\r\ny\r\n", "MSG foo* 1 1\r\nx\r\n" },
        { "SUB a xyz\r\nPUB a 1\r\nx\r\n", "MSG a xyz 1\r\nx\r\n" },
        { "SUB a 1\r\nSUB a q 2\r\nPUB a 1\r\nx\r\n", "MSG a 1 1\r\nx\r\nMSG a 2 1\r\nx\r\n" },
        { "SUB _INBOX.x.* 9\r\nPUB nope _INBOX.x.77 0\r\n\r\n",
            "HMSG _INBOX.x.77 9 16 16\r\nNATS/1.0 503\r\n\r\n\r\n" },
        { "SUB _INBOX.x.* q 9\r\nPUB nope _INBOX.x.77 0\r\n\r\n", "" },
        { "PUB nope _INBOX.x.77 0\r\n\r\n", "" },
        { "SUB a 1\r\nHPUB a 18 23\r\nNATS/1.0\r\nA: b\r\n\r\nhello\r\n", "HMSG a 1 18 23\r\nNATS/1.0\r\nA: "
            + "b\r\n\r\nhello\r\n" },
        { "SUB a 1\r\nHPUB a 6 11\r\nA: b\r\nhello\r\n", "HMSG a 1 6 11\r\nA: b\r\nhello\r\n" },
        { "SUB a 1\r\nPUB a re.ply 2\r\nhi\r\n", "MSG a 1 re.ply 2\r\nhi\r\n" },
        { "sub\ta \t 1\npub  a\tre.ply  2\nhi\r\n", "MSG a 1 re.ply 2\r\nhi\r\n" },
        { "SUB > 1\r\nPUB a..b 0\r\n\r\nPUB .a 0\r\n\r\n", "" },
        { "SUB a..b 1\r\nSUB a. 1\r\nSUB a.>.b 1\r\n", "-ERR 'Invalid Subject'\r\n-ERR 'Invalid Subject'\r\n-ERR "
            + "'Invalid Subject'\r\n" },
        { "PING anything\nPING\r\n", "PONG\r\nPONG\r\n" },
        { "+OK\r\nPONG\r\nINFO {}\r\nPING\r\n", "PONG\r\n" },
        { "UNSUB nope\r\nPING\r\n", "PONG\r\n" },
        { "PUB _GR_.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish to \"_GR_.x\"'\r\n" },
        { "PUB a $JS.ACK.x 0\r\n\r\n", "-ERR 'Permissions Violation for Publish with Reply of \"$JS.ACK.x\"'\r\n" },
        { "SUB a _sys_ 1\r\n", "-ERR 'Permissions Violation for Subscription to \"a\" using queue \"_sys_\"'\r\n" },
    };

    /// <summary>The connection ends; the last word is the reason as our broker names it.</summary>
    public static IReadOnlyList<(string Sent, string Received, string Reason)> Closing { get; } =
    [
        ("FOO\r\n", "-ERR 'Unknown Protocol Operation'\r\n", "ParseError"),
        ("PUB a 1\r\nxy\r\n", "-ERR 'Unknown Protocol Operation'\r\n", "ParseError"),
        ("PUB a 1048577\r\n", "-ERR 'Maximum Payload Violation'\r\n", "MaxPayloadExceeded"),
        ("PUB a 1234567890\r\n", "", "ParseError"),
        ("PUB a -1\r\n", "", "ParseError"),
        ("PUB a\r\n", "", "ParseError"),
        ("PUB a b c d\r\n", "", "ParseError"),
        ("HPUB a 5 4\r\n", "", "ParseError"),
        ("SUB a\r\n", "", "ParseError"),
        ("CONNECT {\r\n", "", "ParseError"),
        ("CONNECT {\"protocol\":2}\r\n", "-ERR 'invalid client protocol'\r\n", "BadClientProtocolVersion"),
        (
            "CONNECT {\"no_responders\":true,\"headers\":false}\r\n",
            "-ERR 'no responders requires headers support'\r\n", "ProtocolViolation"),
        ("-ERR 'x'\r\n", "", "ClientClosed"),
    ];
}
