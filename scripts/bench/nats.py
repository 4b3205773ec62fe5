#!/usr/bin/env python3
"""Our broker and nats-server side by side under one load generator; see scripts/bench.sh."""

import argparse
import contextlib
import datetime
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from brokers import NatsServer, OurBroker  # noqa: E402
from measure import Failed  # noqa: E402
from report import machine, write  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = "Brokers"

# NAME: (what, natsload arguments, across a link?). Counts are a second or less of work for a fast broker.
LOADS = {
    "pub-16": ("publish only, 16 B", "pub --size 16 --count 3000000", False),
    "one-16": ("1 → 1, 16 B", "fan --size 16 --count 2000000", False),
    "one-128": ("1 → 1, 128 B", "fan --size 128 --count 1000000", False),
    "one-1k": ("1 → 1, 1 KiB", "fan --size 1024 --count 400000", False),
    "fan-8": ("1 → 8, 16 B, delivered", "fan --size 16 --count 250000 --subs 8", False),
    "leaf-16": ("hub → leaf, 16 B", "fan --size 16 --count 1000000", True),
    "leaf-1k": ("hub → leaf, 1 KiB", "fan --size 1024 --count 300000", True),
    "request": ("request and reply", "request --size 16 --count 10000", False),
    "request-leaf": ("request and reply across a link", "request --size 16 --count 6000", True),
}
IDLE_CONNECTIONS = 1000
REFUSED = 100_000
REQUEST_P50_MAX = 0.8


def say(text):
    print(text, file=sys.stderr, flush=True)


def build_generator(work):
    target = os.path.join(work, "natsload")
    source = os.path.join(ROOT, "scripts", "bench", "natsload.c")
    subprocess.run(["gcc", "-O2", "-pthread", "-o", target, source], check=True)
    return target


def load(generator, arguments, to, source):
    done = subprocess.run([generator, *arguments.split(), "--to", to, "--from", source],
                          capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr.strip()[-300:] or f"natsload ended with {done.returncode}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def place(side, across_link):
    """Where to publish and where to subscribe."""
    if not across_link:
        with side.start() as broker:
            yield broker.address, broker.address
    else:
        with side.start(listens=True) as hub, side.start(upstream=hub.leaf_port) as leaf:
            yield hub.address, leaf.address


def compare(generator, sides, name, runs):
    """Both sides by turns, each on a broker that already did one load that does not count."""
    _, arguments, across_link = LOADS[name]
    samples, failures = {side.name: [] for side in sides}, {}
    with contextlib.ExitStack() as stack:
        places = {side.name: stack.enter_context(place(side, across_link)) for side in sides}
        for i in range(runs + 1):
            for side in sides if i % 2 == 0 else sides[::-1]:
                try:
                    sample = load(generator, arguments, *places[side.name])
                except Failed as failure:
                    failures[side.name] = str(failure)
                    continue
                if i > 0:
                    samples[side.name].append(sample)
    return samples, failures


def middle(samples, key):
    return statistics.median(sample[key] for sample in samples) if samples else None


def spread(samples, key):
    values = sorted(sample[key] for sample in samples)
    return f"{show(values[0], key)}–{show(values[-1], key)}"


def show(value, key):
    if value is None:
        return "–"
    if key == "rate":
        return f"{value / 1e6:.2f} M/s" if value >= 1e6 else f"{value / 1e3:.0f} k/s"
    return f"{value:.0f} µs"


def rows_of(name, samples, sides):
    """A table row a figure: text cells, and whether the goal (as fast as nats-server) is missed."""
    ours, theirs = (samples[side.name] for side in sides)
    keys = [("rate", "")] if not name.startswith("request") else [("p50_us", ", P50"), ("p99_us", ", P99")]
    for key, suffix in keys:
        a, b = middle(ours, key), middle(theirs, key)
        ratio = a / b if a and b else None
        # P99 is shown, but the goal of the design is on the median.
        goal = "≥ 1.0" if key == "rate" else f"≤ {REQUEST_P50_MAX}" if key == "p50_us" else ""
        missed = bool(goal) and (ratio is None or (ratio < 1 if key == "rate" else ratio > REQUEST_P50_MAX))
        verdict = "" if not goal else "**missed**" if missed else "met"
        cells = [LOADS[name][0] + suffix, f"{show(a, key)} ({spread(ours, key)})" if ours else "failed",
                 f"{show(b, key)} ({spread(theirs, key)})" if theirs else "failed",
                 f"{ratio:.2f}" if ratio else "–", goal or "–", verdict]
        yield cells, missed


def memory(generator, sides):
    """Memory of a broker: idle, with a thousand connections, and at most under load."""
    figures = {}
    for side in sides:
        with side.start() as broker:
            idle = broker.memory_kb()
            holder = subprocess.Popen([generator, "idle", "--to", broker.address, "--subs", str(IDLE_CONNECTIONS)],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                if not holder.stdout.readline():
                    raise Failed(holder.stderr.read().decode().strip())
                connected = broker.memory_kb()
            finally:
                holder.communicate()
            for arguments in ("fan --size 16 --count 1000000", "fan --size 1024 --count 200000"):
                load(generator, arguments, broker.address, broker.address)
            figures[side.name] = (idle, connected, broker.memory_kb("VmHWM"))
    what = ("memory, idle", f"memory, {IDLE_CONNECTIONS:,} idle clients", "memory, most under load")
    for i, title in enumerate(what):
        a, b = (figures[side.name][i] for side in sides)
        yield [title, f"{a / 1024:.1f} MB", f"{b / 1024:.1f} MB", f"{a / b:.2f}", "–", ""], False


class Subscriber:
    """A client that subscribes to one subject after the other, and reads what the broker answers."""

    BATCH = 1000   # subscriptions, and answers to them, that fit into the buffers of a connection

    def __init__(self, broker):
        self._socket = socket.create_connection(("127.0.0.1", broker.port), 60)
        self._socket.sendall(b'CONNECT {"verbose":false}\r\n')
        self._serial = 0
        self._ask("")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def subscribe(self):
        """A batch; how many of it were refused."""
        lines = "".join(f"SUB s.{n} {n}\r\n" for n in range(self._serial, self._serial + self.BATCH))
        self._serial += self.BATCH
        return self._ask(lines).count(b"-ERR 'maximum subscriptions exceeded'")

    def _ask(self, lines):
        self._socket.sendall(lines.encode("ascii") + b"PING\r\n")
        answer = b""
        while not answer.endswith(b"PONG\r\n"):
            part = self._socket.recv(1 << 16)
            if not part:
                raise Failed(f"the broker closed the connection after {self._serial} subscriptions: {answer[-200:]}")
            answer += part
        return answer


def refusals(sides, runs):
    """Seconds until REFUSED subscriptions of one client are refused, once it has all that it may have."""
    seconds = {side.name: [] for side in sides}
    for i in range(runs):
        for side in sides if i % 2 == 0 else sides[::-1]:
            with side.start(is_small=True) as broker, Subscriber(broker) as client:
                while client.subscribe() < client.BATCH:
                    pass
                begin = time.perf_counter()
                count = sum(client.subscribe() for _ in range(REFUSED // client.BATCH))
                seconds[side.name].append(time.perf_counter() - begin)
                if count != REFUSED:
                    raise Failed(f"{side.name} refused {count} of {REFUSED} subscriptions")
    a, b = (statistics.median(seconds[side.name]) for side in sides)
    yield [f"refusing {REFUSED:,} subscriptions", f"{a * 1000:.0f} ms", f"{b * 1000:.0f} ms", f"{a / b:.2f}", "≤ 1.0",
           "**missed**" if a > b else "met"], a > b


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs of each side that count; one more warms up")
    parser.add_argument("--only", help="comma separated: refusals, memory, " + ", ".join(LOADS))
    parser.add_argument("--out", help="report; docs/BENCHMARKS.md unless --only is given")
    parser.add_argument("--append", action="store_true", help="no effect: the section is replaced in place")
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    parser.add_argument("--nats-server", default=os.environ.get("EDGESYNC_NATS_SERVER", "nats-server"))
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else [*LOADS, "refusals", "memory"]
    out = arguments.out or (None if arguments.only else os.path.join(ROOT, "docs", "BENCHMARKS.md"))

    work = tempfile.mkdtemp(prefix="edgesync-bench-nats-")
    lines, missed, failed = [], [], []
    try:
        generator = build_generator(work)
        sides = [OurBroker(work, os.path.abspath(arguments.binary)), NatsServer(work, arguments.nats_server)]
        versions = "; ".join(side.version() for side in sides)
        busy = os.getloadavg()[0]
        for name in chosen:
            try:
                if name == "memory":
                    rows, failures = list(memory(generator, sides)), {}
                elif name == "refusals":
                    rows, failures = list(refusals(sides, arguments.runs)), {}
                else:
                    samples, failures = compare(generator, sides, name, arguments.runs)
                    rows = list(rows_of(name, samples, sides))
            except Failed as failure:
                rows, failures = [], {"both": str(failure)}
            failed += [f"{name}, {side}: {text}" for side, text in failures.items()]
            for cells, is_missed in rows:
                lines.append("| " + " | ".join(cells) + " |")
                say(lines[-1])
                if is_missed:
                    missed.append(f"{cells[0]}: {cells[3]}, goal {cells[4]}")
        floor = load(generator, "echo --size 16 --count 10000", "127.0.0.1:1", "127.0.0.1:1")
    finally:
        shutil.rmtree(work, ignore_errors=True)

    report = [
        "The broker inside our program beside nats-server, `scripts/bench.sh nats`: medians (least–most), publisher,",
        "subscriber and broker on one machine; the generator is `scripts/bench/natsload.c`.", "",
        f"- {datetime.date.today().isoformat()}, {machine()}, load {busy:.1f} at the start",
        f"- {versions}; {arguments.runs} runs of each side by turns",
        f"- one TCP echo on this machine, the floor of half a request: P50 {floor['p50_us']:.0f} µs", "",
        "| Load | Ours | nats-server | Ratio | Goal | |", "| --- | --- | --- | --- | --- | --- |", *lines, "",
        "### Missed by the brokers", "", *([f"- {line}" for line in missed] or ["Nothing."]),
        *(["", "### Failed loads", "", *[f"- {line}" for line in failed]] if failed else [])]
    if out:
        write(out, TITLE, report)
        say(f"wrote {out}")
    else:
        print("\n".join([f"## {TITLE}", "", *report]))
    for line in failed:
        say(f"FAILED {line}")
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
