#!/usr/bin/env python3
"""QUIC and iroh over loopback, beside UDP alone and the real peer; see scripts/bench.sh."""

import argparse
import contextlib
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import mesh  # noqa: E402
from fleet import say  # noqa: E402
from measure import Failed, processor_s  # noqa: E402
from nodes import Site  # noqa: E402
from report import machine, row, write_part  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NPM = os.environ.get("EDGESYNC_NPM") or os.path.join(ROOT, "artifacts", "npm")
PEER = os.path.join(ROOT, "tests", "npm", "iroh-peer.cjs")
TITLE = "iroh"
BYTES = 256 << 20
STREAMS = 100
ECHOES = 2000
CONNECTED = (1, 10, 100)
IDLE_S = 20
LEAF_S = 60
SHARE_MIN = 0.5
MIB_S_MIN = 200
FLOOD_RATE = 10_000
FLOOD_S = 6
FLOOD_SHARE_MIN = 0.75
INITIAL_BYTES = 1200


def build(work, name, *libraries):
    target = os.path.join(work, name)
    source = os.path.join(ROOT, "scripts", "bench", f"{name}.c")
    subprocess.run(["gcc", "-O2", "-pthread", "-o", target, source, *libraries], check=True)
    return target


def lines_of(arguments, timeout=120):
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise Failed((done.stderr or done.stdout).strip()[-300:] or f"{arguments[0]} ended with {done.returncode}")
    return [json.loads(line) for line in lines if line.startswith("{")]


@contextlib.contextmanager
def listener(command):
    """A test listener: its process and its ticket."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, json.loads(process.stdout.readline())["ticket"]
        finally:
            process.terminate()


def port_of(binary, ticket):
    parts = lines_of([binary, "iroh", "ticket", ticket, "--json"])[-1]
    return int(parts["direct"][0].rsplit(":", 1)[1])


def ours(binary, ticket, *words):
    """The lines of a verb, and the processor seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = lines_of([binary, "iroh", "test", words[0], ticket, *map(str, words[1:]), "--json"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return lines, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def resident_mb(pid):
    # With what the processes of one file share: it does not depend on how many of them there are.
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024


def loopback_packets():
    with open("/proc/thread-self/net/dev", encoding="ascii") as file:
        return next(int(line.split()[2]) for line in file if line.strip().startswith("lo:"))


class Figures:
    """Values of interleaved runs by their names; medians are printed."""

    def __init__(self):
        self.seen = {}

    def add(self, name, value):
        self.seen.setdefault(name, []).append(value)

    def __getitem__(self, name):
        return statistics.median(self.seen[name])


def move(figures, binary, floor, runs):
    with listener([binary, "iroh", "test", "listen", "--json"]) as (process, ticket):
        ours(binary, ticket, "echo", "--count", 100)
        for i in range(runs):
            say(f"throughput, run {i + 1} of {runs}")
            for mode in ("plain", "offload", "sealed"):
                figures.add(f"UDP {mode}", lines_of([floor, mode, str(4 * BYTES)])[-1]["mib_s"])
            before = processor_s(process.pid)
            lines, receiver = ours(binary, ticket, "source", BYTES)
            figures.add("one stream", lines[-1]["mib_s"])
            figures.add("receiver s/GiB", receiver * (1 << 30) / BYTES)
            figures.add("sender s/GiB", (processor_s(process.pid) - before) * (1 << 30) / BYTES)
            figures.add("one stream, hashed", ours(binary, ticket, "sink", BYTES)[0][-1]["mib_s"])
            size = BYTES // STREAMS // 2
            before = processor_s(process.pid)
            lines, dialler = ours(binary, ticket, "echo", "--count", STREAMS, "--parallel", STREAMS, "--size", size)
            figures.add("many streams", 2 * STREAMS * size / 1048576 / lines[-1]["ms"] * 1000)
            used = dialler + processor_s(process.pid) - before
            figures.add("many s/GiB", used * (1 << 30) / (2 * STREAMS * size))


def first_packets(binary, work):
    """A file with the first packets of real clients, which dial an address where nobody answers."""
    path = os.path.join(work, "initials")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trap, open(path, "wb") as file:
        trap.bind(("127.0.0.1", 0))
        trap.settimeout(20)
        peer = lines_of([binary, "iroh", "key", "--json"])[-1]["id"]
        address = f"127.0.0.1:{trap.getsockname()[1]}"
        ticket = lines_of([binary, "iroh", "ticket", "--id", peer, "--addr", address, "--json"])[-1]["ticket"]
        for _ in range(16):
            command = [binary, "iroh", "test", "dial", ticket, "--timeout", "30"]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
                packet = trap.recv(2048)
                client.kill()
            if len(packet) == INITIAL_BYTES:
                file.write(packet)
    return path


def flood(figures, binary, work, runs):
    """A transfer alone, beside a flood that goes elsewhere, and beside one that its server gets."""
    program, packets = build(work, "flood"), first_packets(binary, work)
    with contextlib.ExitStack() as stack:
        process, ticket = stack.enter_context(listener([binary, "iroh", "test", "listen", "--json"]))
        elsewhere = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        elsewhere.bind(("127.0.0.1", 0))
        target = port_of(binary, ticket)
        arguments = [str(FLOOD_RATE), str(FLOOD_S), packets]
        ours(binary, ticket, "source", BYTES)
        for i in range(runs):
            say(f"flood, run {i + 1} of {runs}")
            for name, port in (("alone", None), ("elsewhere", elsewhere.getsockname()[1]), ("here", target)):
                command = [program, str(port), *arguments] if port else ["true"]
                with subprocess.Popen(command, stdout=subprocess.DEVNULL) as sender:
                    time.sleep(1 if port else 0)
                    figures.add(f"flood {name}", ours(binary, ticket, "source", 2 * BYTES)[0][-1]["mib_s"])
                    sender.terminate()
            before = processor_s(process.pid)
            sent = lines_of([program, str(target), str(FLOOD_RATE), "3", packets])[-1]["sent"]
            figures.add("flood us/packet", (processor_s(process.pid) - before) / sent * 1e6)


def small(figures, name, connect, echo, runs):
    for i in range(runs):
        say(f"small messages of {name}, run {i + 1} of {runs}")
        figures.add(f"{name} connect", connect())
        p50, p99 = echo()
        figures.add(f"{name} p50", p50)
        figures.add(f"{name} p99", p99)


def latencies(figures, binary, runs):
    with listener([binary, "iroh", "test", "listen", "--json"]) as (_, ticket):
        def echo():
            last = ours(binary, ticket, "echo", "--count", ECHOES)[0][-1]
            return last["p50_ms"], last["p99_ms"]
        small(figures, "ours", lambda: ours(binary, ticket, "dial")[0][0]["connect_ms"], echo, runs)
    if not os.path.isdir(os.path.join(NPM, "node_modules", "@number0", "iroh")):
        say("the real peer is not installed: scripts/test.sh does that")
        return
    peer = ["node", PEER, NPM]
    with listener([*peer, "listen"]) as (_, ticket):
        def real_echo():
            last = lines_of([*peer, "echo", ticket, f"count={ECHOES}"])[-1]
            return last["p50_ms"], last["p99_ms"]
        small(figures, "real", lambda: lines_of([*peer, "dial", ticket])[-1]["connect_ms"], real_echo, runs)


def idle(figures, binary):
    """What peers cost that are connected and send nothing: `pipe` with a standard input that stays open."""
    with mesh.network(), contextlib.ExitStack() as stack:
        process, ticket = stack.enter_context(listener([binary, "iroh", "test", "listen", "--json"]))
        connected = 0
        for count in (0, *CONNECTED):
            say(f"{count} connected peers, {IDLE_S} s")
            for _ in range(count - connected):
                piping = subprocess.Popen(
                    [binary, "iroh", "test", "pipe", ticket, "--alpn", "oracle/echo/1", "--timeout", "600"],
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                stack.callback(piping.wait)
                stack.callback(piping.stdin.close)
                while json.loads(process.stdout.readline())["event"] != "accepted":
                    pass
            connected = count
            time.sleep(3)   # paths are validated, and the MTU is found
            packets, processor = loopback_packets(), processor_s(process.pid)
            time.sleep(IDLE_S)
            figures.add(f"packets {count}", (loopback_packets() - packets) * 60 / IDLE_S)
            figures.add(f"processor {count}", (processor_s(process.pid) - processor) * 60 / IDLE_S * 1000)
            figures.add(f"memory {count}", resident_mb(process.pid))


def leaves(figures, binary, work):
    """Two idle leaves beside each other."""
    say(f"a leaf with and one without --iroh, {LEAF_S} s")
    site = Site(work, binary)
    sides = (("without", []), ("with", ["--iroh", "--iroh-discovery", "off", "--iroh-bind", "127.0.0.1:0"]))
    repositories = site.clones(len(sides))
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(site.leaf(name, repository, *words)) for (name, words), repository in zip(sides, repositories)]
        time.sleep(LEAF_S)
        for (name, _), node in zip(sides, nodes):
            figures.add(f"leaf {name}", resident_mb(node.pid))
    figures.add("file", os.path.getsize(binary))


def table_of_moves(figures):
    floor = figures["UDP offload"]
    out = ["| Throughput, MiB/s | | of UDP with offload |", "| --- | ---: | ---: |",
           row("UDP alone, one call for each datagram", figures["UDP plain"], figures["UDP plain"] / floor),
           row("UDP alone, with segmentation offload", floor, 1.0),
           row("UDP with offload, sealed and opened by AES-128-GCM, 8,952 bytes, nothing lost", figures["UDP sealed"],
               figures["UDP sealed"] / floor),
           row("one stream", figures["one stream"], figures["one stream"] / floor),
           row("one stream, hashed by SHA-256 at both ends", figures["one stream, hashed"], figures["one stream, hashed"] / floor),
           row(f"{STREAMS} streams, there and back, both ways added", figures["many streams"], figures["many streams"] / floor), ""]
    if figures["one stream"] < SHARE_MIN * floor:
        out += [f"Missed: {SHARE_MIN} of UDP's throughput with offload, which encrypts, acknowledges and copies nothing, and of "
                "which only what arrives is counted. Of what the same calls move sealed, one stream has "
                f"{figures['one stream'] / figures['UDP sealed']:.2f}.", ""]
    return out + ["| Processor seconds per GiB | |", "| --- | ---: |",
                  row("sender of one stream, which makes the bytes", figures["sender s/GiB"]),
                  row("receiver of one stream, which compares them, its start included", figures["receiver s/GiB"]),
                  row(f"{STREAMS} streams, both processes", figures["many s/GiB"])]


def missed_by_moves(figures):
    share = figures["one stream"] / figures["UDP offload"]
    if share < SHARE_MIN:
        yield f"one stream has {share:.2f} of UDP's throughput; at least {SHARE_MIN} is asked for"
    for name in ("one stream", "many streams"):
        if figures[name] < MIB_S_MIN:
            yield f"{name}: {figures[name]:.0f} MiB/s; at least {MIB_S_MIN} is asked for"


def table_of_latencies(figures):
    names = [n for n in ("ours", "real") if f"{n} connect" in figures.seen]
    out = ["| Milliseconds | " + " | ".join({"ours": "ours", "real": "the real peer's (Node binding)"}[n] for n in names) + " |",
           "| --- |" + " ---: |" * len(names)]
    for key, text in (("connect", "connect, first in a process"), ("p50", "100-byte echo on a new stream, P50"),
                      ("p99", "100-byte echo on a new stream, P99")):
        out.append(row(text, *[figures[f"{n} {key}"] for n in names]))
    return out


def table_of_flood(figures):
    alone = figures["flood alone"]
    return [f"| A transfer and {FLOOD_RATE:,} first packets a second | MiB/s | of the transfer alone |", "| --- | ---: | ---: |",
            row("alone", alone, 1.0),
            row("beside a flood of another socket (what sending costs)", figures["flood elsewhere"], figures["flood elsewhere"] / alone),
            row("beside a flood of its server", figures["flood here"], figures["flood here"] / alone), "",
            f"A first packet that nobody wants costs the server {figures['flood us/packet']:.1f} µs of processor time."]


def missed_by_flood(figures):
    share = figures["flood here"] / figures["flood alone"]
    if share < FLOOD_SHARE_MIN:
        yield f"a flood leaves {share:.2f} of a transfer's throughput; at least {FLOOD_SHARE_MIN} is asked for"


def table_of_idle(figures):
    return ["| Peers that are connected and idle | packets a minute, both ways | processor, ms a minute | memory, MB |",
            "| --- | ---: | ---: | ---: |",
            *(row(count, figures[f"packets {count}"], figures[f"processor {count}"], figures[f"memory {count}"])
              for count in (0, *CONNECTED))]


def table_of_leaves(figures):
    return [f"| An idle leaf after {LEAF_S} s | memory, MB |", "| --- | ---: |",
            row("without --iroh", figures["leaf without"]), row("with --iroh", figures["leaf with"]), "",
            f"The file has {figures['file']:,} bytes; it is the same with and without `--iroh`."]


class Piece:
    """What can be measured alone: the title of its part of the report, and functions of the figures."""

    def __init__(self, title, measure, table, missed=lambda figures: ()):
        self.title, self.measure, self.table, self.missed = title, measure, table, missed


PIECES = {
    "move": Piece("Throughput", lambda figures, binary, work, runs: move(figures, binary, build(work, "udpfloor", "-lcrypto"), runs),
                  table_of_moves, missed_by_moves),
    "flood": Piece("Flood", flood, table_of_flood, missed_by_flood),
    "latency": Piece("Small messages", lambda figures, binary, _, runs: latencies(figures, binary, runs), table_of_latencies),
    "idle": Piece("Idle connections", lambda figures, binary, *_: idle(figures, binary), table_of_idle),
    "leaf": Piece("With and without iroh", lambda figures, binary, work, _: leaves(figures, binary, work), table_of_leaves),
    "visible": Piece("Commits", mesh.visible, mesh.table_of_visible, mesh.missed_by_visible),
    "nat": Piece("NATs", mesh.nat, mesh.table_of_nat, mesh.missed_by_nat),
    "fleet": Piece("A fleet on one relay", mesh.fleet, mesh.table_of_fleet),
}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh iroh", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default=",".join(PIECES), help="some of " + ",".join(PIECES) + "; the report keeps the others")
    parser.add_argument("--out", default=os.path.join(ROOT, "docs", "BENCHMARKS.md"))
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    given = parser.parse_args()
    chosen = given.only.split(",")
    for name in chosen:
        if name not in PIECES:
            parser.error(f"--only: there is no piece {name!r}; they are {', '.join(PIECES)}")
    binary = os.path.realpath(given.binary)
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    failed = []
    for piece in (PIECES[name] for name in chosen):
        say(f"{piece.title} …")
        figures, load = Figures(), os.getloadavg()[0]
        with tempfile.TemporaryDirectory() as work:
            piece.measure(figures, binary, work, given.runs)
        head = [f"- {time.strftime('%Y-%m-%d')}, {machine()}, load {load:.1f} at the start", f"- {version}", ""]
        write_part(given.out, TITLE, [other.title for other in PIECES.values()], piece.title, head + piece.table(figures))
        failed += piece.missed(figures)
    for text in failed:
        say(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
