#!/usr/bin/env python3
"""Records what nats-server answers to the inputs below: python3 capture.py > client.txt (needs nats-server in the path).

Each line of the result: name, input, output, with tabs between and C escapes. INFO is left out of the output. Behind every
input a PING is sent, so that an output is complete when its PONG comes; "(closed)" at the end says that the server closed.
"""
import re, socket, subprocess, sys, time

QUIET = 'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n'
HEADERS = "NATS/1.0\r\nA: b\r\n\r\n"
CASES = [
    ("two-subjects", QUIET + "SUB a 1\r\nSUB b 1\r\nPUB a 1\r\nx\r\nPUB b 1\r\ny\r\n"),
    ("auto-unsub", QUIET + "SUB a 1\r\nUNSUB 1 2\r\n" + "PUB a 1\r\nx\r\n" * 3),
    ("auto-unsub-late", QUIET + "SUB a 1\r\n" + "PUB a 1\r\nx\r\n" * 2 + "UNSUB 1 2\r\nPUB a 1\r\nx\r\n"),
    ("unsub", QUIET + "SUB a 1\r\nPUB a 0\r\n\r\nUNSUB 1\r\nPUB a 0\r\n\r\n"),
    ("unsub-unknown", QUIET + "UNSUB 77\r\n"),
    ("wildcards", QUIET + "SUB a.* 2\r\nPUB a.b 1\r\nx\r\nPUB a.b.c 1\r\nx\r\nPUB a 1\r\nx\r\n"),
    ("rest", QUIET + "SUB a.> 3\r\nPUB a.b 1\r\nx\r\nPUB a.b.c 1\r\nx\r\nPUB a 1\r\nx\r\n"),
    ("star-inside-a-token", QUIET + "SUB foo* 1\r\nPUB foo* 1\r\nx\r\nPUB foobar 1\r\nx\r\n"),
    ("published-wildcard-is-literal", QUIET + "SUB a.* 2\r\nPUB a.* 1\r\nx\r\n"),
    ("published-empty-token-matches-nothing", QUIET + "SUB > 1\r\nPUB a..b 1\r\nx\r\nPUB .a 1\r\nx\r\n"),
    ("reply", QUIET + "SUB a 1\r\nPUB a re.ply 5\r\nhello\r\n"),
    ("headers", QUIET + "SUB a 1\r\nHPUB a 18 23\r\n" + HEADERS + "hello\r\n"),
    ("headers-and-reply", QUIET + "SUB a 1\r\nHPUB a rr 18 21\r\n" + HEADERS + "abc\r\n"),
    ("headers-unchecked", QUIET + "SUB a 1\r\nHPUB a 6 6\r\nA: b\r\n\r\n"),
    ("headers-cut-off", 'CONNECT {"verbose":false,"headers":false}\r\nSUB a 1\r\nPUB a 1\r\nx\r\n'),
    ("no-responders", QUIET + "SUB _INBOX.x.* 9\r\nPUB nope _INBOX.x.77 0\r\n\r\n"),
    ("no-responders-without-inbox", QUIET + "PUB nope _INBOX.x.77 0\r\n\r\n"),
    ("queue-of-one", QUIET + "SUB q workers 4\r\nPUB q 1\r\nx\r\n"),
    ("same-sid-again", QUIET + "SUB a 1\r\nSUB b 1\r\nPUB b 1\r\nx\r\nPUB a 1\r\ny\r\n"),
    ("sid-of-letters", QUIET + "SUB a xyz\r\nPUB a 1\r\nx\r\n"),
    ("any-case-and-tabs", QUIET + "sub\ta \t 1\r\nPuB  a\t1 \r\nx\r\n"),
    ("line-feed-alone", QUIET + "SUB a 1\nPUB a 1\nx\r\n"),
    ("ping-with-words", QUIET + "PING anything\r\n"),
    ("ok-pong-info-are-ignored", QUIET + "+OK\r\nPONG\r\nINFO {}\r\n"),
    ("no-connect", "PUB a 1\r\nx\r\n"),
    ("verbose", 'CONNECT {}\r\nSUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\n'),
    ("pedantic", 'CONNECT {"verbose":false,"pedantic":true}\r\nSUB a.> 1\r\nPUB a.* 1\r\nx\r\n'),
    ("no-echo", 'CONNECT {"verbose":false,"echo":false}\r\nSUB a 1\r\nPUB a 1\r\nx\r\n'),
    ("invalid-subject", QUIET + "SUB a..b 1\r\nSUB a. 2\r\nSUB >.a 3\r\n"),
    ("empty-payload", QUIET + "SUB a 1\r\nPUB a 0\r\n\r\n"),
    ("line-limit", QUIET + "SUB " + "s" * 4094 + " 1\r\nPING\r\n"),
    ("line-too-long", QUIET + "SUB " + "s" * 4095 + " 1\r\n"),
    ("connect-too-long", 'CONNECT {"name":"' + "n" * 5000 + '"}\r\n'),
    ("payload-too-large", QUIET + "PUB a 1048577\r\n"),
    ("body-without-crlf", QUIET + "PUB a 1\r\nx\nPING\r\n"),
    ("body-longer-than-said", QUIET + "PUB a 1\r\nxy\r\n"),
    ("unknown-verb", QUIET + "GET / HTTP/1.1\r\n"),
    ("empty-line", QUIET + "\r\n"),
    ("signed-size", QUIET + "PUB a +1\r\nx\r\n"),
    ("size-of-ten-digits", QUIET + "PUB a 0000000001\r\nx\r\n"),
    ("four-arguments", QUIET + "PUB a b c 1\r\nx\r\n"),
    ("sub-without-sid", QUIET + "SUB a\r\n"),
    ("header-larger-than-all", QUIET + "HPUB a 13 12\r\nNATS/1.0\r\n\r\n\r\n"),
    ("headers-not-announced", 'CONNECT {"verbose":false}\r\nHPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n'),
    ("error-of-a-client", QUIET + "-ERR 'x'\r\n"),
    ("protocol-2", 'CONNECT {"verbose":false,"protocol":2}\r\n'),
    ("no-responders-without-headers", 'CONNECT {"verbose":false,"no_responders":true}\r\n'),
    ("connect-no-json", "CONNECT {\r\n"),
]


def escape(data):
    text = data.decode("latin-1").replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
    return re.sub(r"(.)\1{200,}", lambda m: f"\\*{len(m.group(0))}{m.group(1)}", text)


def ask(port, sent):
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.settimeout(1.5)
        link.sendall(sent.encode() + b"PING\r\n")
        got, closed = b"", False
        try:
            while not got.endswith(b"PONG\r\n") or got.count(b"PONG\r\n") < sent.count("PING") + 1:
                part = link.recv(65536)
                if not part:
                    closed = True
                    break
                got += part
        except (TimeoutError, ConnectionResetError) as e:
            closed = isinstance(e, ConnectionResetError)
    lines = got.split(b"\r\n", 1)
    assert lines[0].startswith(b"INFO "), got
    got = lines[1]
    if not closed:
        assert got.endswith(b"PONG\r\n"), (sent, got)
        got = got[: -len(b"PONG\r\n")]
    return escape(got) + ("(closed)" if closed else "")


def main():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.02)
        for name, sent in CASES:
            print(name, escape(sent.encode()), ask(port, sent), sep="\t")
    finally:
        server.terminate()
        server.wait()


main()
