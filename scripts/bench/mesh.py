"""Nodes that are joined by iroh: commits over each kind of way, pairs of NATs, a whole fleet on one relay; see iroh.py."""

import contextlib
import ctypes
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request

from brokers import Broker
from fleet import VISIBLE_MAX_S, percentile, say, visible_latencies, wait_until
from measure import Failed, free_port
from nodes import Site, check_ins, reading
from report import row

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMITS = 100
PAUSE_S = 0.2
P99_MAX_MS = 100
FLEET = 20
FLEET_COMMITS = 50
FLEET_IDLE_S = 20
JOINED_MAX_S = 60
DIRECT_MIN = 13
HEAL_MAX_S = 10
KINDS = {   # of NatMatrixTests
    "None": "no NAT",
    "EndpointIndependent": "endpoint-independent",
    "AddressDependent": "address-dependent",
    "Symmetric": "symmetric",
}
WAYS = {
    "direct": "two leaves, directly",
    "relayed": "two leaves, through our relay alone (UDP blocked)",
    "tunnel": "a leaf that a hub has over TCP, and one that has the hub by a tunnelled leafnode link",
}
NEW_NETWORK = 0x40000000


@contextlib.contextmanager
def network():
    """A network of its own for this thread and the processes that it starts: loopback, and no packets of others."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as before:
        if libc.unshare(NEW_NETWORK) != 0:
            raise Failed(f"needs the right to make network namespaces (root): {os.strerror(ctypes.get_errno())}")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            libc.setns(before.fileno(), NEW_NETWORK)


def block_udp():
    subprocess.run(["nft", "table inet f { chain out { type filter hook output priority 0; meta l4proto udp drop; }; }"], check=True)


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Identity:
    """A key, and the flags and the ticket of the node that has it."""

    def __init__(self, site, name, relay=None):
        self.key, self.relay, self.port = os.path.join(site.work, f"{name}.key"), relay, free_udp_port()
        self.id = json.loads(site.run("iroh", "key", "--key-file", self.key, "--json"))["id"]
        way = ["--relay", relay] if relay else ["--addr", f"127.0.0.1:{self.port}"]
        self.ticket = json.loads(site.run("iroh", "ticket", "--id", self.id, *way, "--json"))["ticket"]

    def flags(self, *peers):
        words = ["--iroh", "--iroh-key", self.key, "--iroh-discovery", "off", "--iroh-relay", self.relay or "off",
                 "--iroh-bind", f"127.0.0.1:{self.port}"]
        for peer in peers:
            words += ["--iroh-peer", peer]
        return words


@contextlib.contextmanager
def relay_of(site):
    """Our relay; `.url` says where."""
    port, folder = free_port(), tempfile.mkdtemp(prefix="relay-", dir=site.work)
    arguments = [site.program, "iroh", "relay", "serve", "--bind", f"127.0.0.1:{port}"]
    with Broker("relay", arguments, port, folder, site.env) as relay:
        relay.url = f"http://127.0.0.1:{port}"
        yield relay


def linked(port):
    """The peers whose brokers are linked with that of a node, each with the way that its packets go."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/iroh/status", timeout=5) as answer:
        peers = json.load(answer)["peers"]
    return [peer["route"] for peer in peers if peer["broker_linked"]]


def wait_linked(port, count, route):
    """Seconds until a node is linked with that many peers, all on that kind of way."""
    began = time.monotonic()
    while True:
        routes = linked(port)
        if len(routes) == count and set(routes) == {route}:
            return time.monotonic() - began
        if time.monotonic() - began > JOINED_MAX_S:
            raise Failed(f"{len(routes)} of {count} peers are linked after {JOINED_MAX_S} s, by {sorted(set(routes))}; {route} is wanted")
        time.sleep(0.01)


def visible(figures, binary, work, _):
    """Commits on one node until they are visible on another, over each kind of way."""
    for way in WAYS:
        say(f"{COMMITS} commits, {WAYS[way]}")
        site = Site(tempfile.mkdtemp(prefix=way, dir=work), binary)
        with network(), contextlib.ExitStack() as stack:
            start = stack.enter_context
            a, b, c = site.clones(3)
            relay = start(relay_of(site)) if way == "relayed" else None
            if relay:
                block_udp()
            one, two = (Identity(site, name, relay and relay.url) for name in ("one", "two"))
            quiet = ["--poll", "60s"]
            if way == "tunnel":
                hub = start(site.hub("hub", c, None, *one.flags(two.id)))
                start(site.leaf("a", a, "--nats", f"nats-leaf://127.0.0.1:{hub.leaf_port}", "--nats-role", "leaf", *quiet))
                port = hub.http_port
            else:
                port = start(site.leaf("a", a, *one.flags(two.id), *quiet)).port
            start(site.leaf("b", b, *two.flags(one.ticket), *quiet))
            wait_linked(port, 1, "relay" if relay else "direct")
            for latency in visible_latencies(site, a, b, COMMITS, PAUSE_S):
                figures.add(f"visible {way}", latency * 1000)


def fleet(figures, binary, work, _):
    """Leaves that one relay joins, in a star around the first: until all are linked, commits, and what the relay takes."""
    say(f"a fleet of {FLEET} leaves on one relay")
    site = Site(tempfile.mkdtemp(prefix="fleet", dir=work), binary)
    with network(), contextlib.ExitStack() as stack:
        start = stack.enter_context
        repositories = site.clones(FLEET)
        relay = start(relay_of(site))
        block_udp()
        center, *others = (Identity(site, f"leaf{i}", relay.url) for i in range(FLEET))
        began = time.monotonic()
        first = start(site.leaf("leaf0", repositories[0], *center.flags(*(o.id for o in others)), "--poll", "60s"))
        for i, identity in enumerate(others, 1):
            start(site.leaf(f"leaf{i}", repositories[i], *identity.flags(center.ticket), "--poll", "60s"))
        started = time.monotonic()
        wait_linked(first.port, len(others), "relay")
        figures.add("fleet joined", time.monotonic() - began)
        figures.add("fleet joined after", time.monotonic() - started)
        here, *there = [start(reading(repository)) for repository in repositories[1:] + repositories[:1]]
        processor = 0
        for i in range(-2, FLEET_COMMITS):   # the first two find everybody awake
            if i == 0:
                processor = relay.processor_s()
            count, deadline = check_ins(here) + 1, time.monotonic() + (VISIBLE_MAX_S if i >= 0 else JOINED_MAX_S + VISIBLE_MAX_S)
            site.commit(repositories[1], f"{i}\n", f"f{i % 7}.txt", f"commit {i}")
            began = wait_until(here, count, deadline)
            ended = max(wait_until(database, count, deadline) for database in there)
            if i < 0:
                say(f"a first commit is everywhere after {ended - began:.2f} s")
            else:
                figures.add("fleet visible", (ended - began) * 1000)
        figures.add("relay ms/commit", (relay.processor_s() - processor) / FLEET_COMMITS * 1000)
        time.sleep(5)
        processor = relay.processor_s()
        time.sleep(FLEET_IDLE_S)
        figures.add("relay ms/min", (relay.processor_s() - processor) * 60 / FLEET_IDLE_S * 1000)
        figures.add("relay memory", relay.memory_kb() / 1024)


def nat(figures, binary, work, _):
    """Pairs of NATs in network namespaces, and links that heal: what NatMatrixTests prints."""
    suite = os.path.join(ROOT, "tests", "EdgeSync.InteropTests")
    builds = [os.path.join(suite, "bin", kind, "net10.0", "EdgeSync.InteropTests") for kind in ("Release", "Debug")]
    program = next((path for path in builds if os.path.exists(path)), builds[0])
    if not os.path.exists(program):
        say("building the interop tests")
        subprocess.run(["dotnet", "build", suite, "-c", "Release", "-v", "q", "-nologo"], check=True, stdout=subprocess.DEVNULL)
    say("all pairs of NATs")
    report = os.path.join(work, "nat")
    done = subprocess.run(
        [program, "--no-ansi", "--results-directory", work, "--treenode-filter", "/*/*/NatMatrixTests/*[Long=yes]"],
        env={**os.environ, "EDGESYNC_BIN": os.path.realpath(binary), "EDGESYNC_NAT_REPORT": report},
        capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0 or not os.path.exists(report):
        raise Failed(done.stdout.strip()[-1000:])
    with open(report, encoding="utf-8") as file:
        for kind, *fields in (line.rstrip("\n").split("\t") for line in file):
            if kind == "nat":
                here, there, way, ms, whole = fields
                if way == "direct":
                    figures.add(f"nat {here} {there}", float(ms))
                    figures.add(f"whole {here} {there}", float(whole))
            else:
                figures.add(f"heal {fields[0]}", float(fields[1]))


def table_of_visible(figures):
    out = [f"| A commit on one node until it is visible on the other, ms | P50 | P99 | goal: P99 ≤ {P99_MAX_MS} |", "| --- | ---: | ---: | --- |"]
    for way, name in WAYS.items():
        p99 = p99_of(figures, way)
        out.append(row(name, figures[f"visible {way}"], p99, verdict(p99 <= P99_MAX_MS)))
    return [*out, "", f"{COMMITS} commits each; processes on one machine, what is visible is read from the repository files."]


def missed_by_visible(figures):
    return [f"{name}: P99 {p99_of(figures, way):.0f} ms; at most {P99_MAX_MS} is asked for"
            for way, name in WAYS.items() if p99_of(figures, way) > P99_MAX_MS]


def p99_of(figures, way):
    return percentile(figures.seen[f"visible {way}"], 0.99)


def verdict(is_met):
    return "met" if is_met else "**missed**"


def heals_of(figures):
    return [(name.removeprefix("heal "), figures[name]) for name in figures.seen if name.startswith("heal ")]


def direct_of(figures):
    return sum(1 for here in KINDS for there in KINDS if f"nat {here} {there}" in figures.seen)


def table_of_nat(figures):
    def cell(here, there):
        pair = f"{here} {there}"
        return f"{figures[f'whole {pair}']:,.0f} ({figures[f'nat {pair}']:,.0f})" if f"nat {pair}" in figures.seen else "relayed"

    names = KINDS.values()
    return ["| `iroh ping` until it ends, since the way is direct (of it, from the first packet on), ms | to: " + " | ".join(names) + " |",
            "| --- |" + " ---: |" * len(KINDS),
            *(row(f"from: {name}", *(cell(here, there) for there in KINDS)) for here, name in KINDS.items()), "",
            f"{direct_of(figures)} of {len(KINDS) ** 2} pairs are direct (goal: {DIRECT_MIN}); four pairs at a time.", "",
            f"| A connection heals after | s | goal: ≤ {HEAL_MAX_S} s |", "| --- | ---: | --- |",
            *(row(name, seconds, verdict(seconds <= HEAL_MAX_S)) for name, seconds in heals_of(figures))]


def missed_by_nat(figures):
    if direct_of(figures) < DIRECT_MIN:
        yield f"{direct_of(figures)} pairs of NATs are direct; at least {DIRECT_MIN} are asked for"
    for name, seconds in heals_of(figures):
        if seconds > HEAL_MAX_S:
            yield f"{name}: {seconds:.1f} s; at most {HEAL_MAX_S} are asked for"


def table_of_fleet(figures):
    return [f"| {FLEET} leaves, a star around the first, which only the relay joins (UDP blocked) | |", "| --- | ---: |",
            row("from the start of the first until all brokers are linked, s", figures["fleet joined"]),
            row("from the start of the last, s", figures["fleet joined after"]),
            row(f"a commit on one until it is visible on the {FLEET - 1} others, P50, ms", figures["fleet visible"]),
            row("the same, P99, ms", percentile(figures.seen["fleet visible"], 0.99)),
            row("the relay's processor time for it, ms", figures["relay ms/commit"]),
            row("the relay's processor time when all are idle, ms a minute", figures["relay ms/min"]),
            row("the relay's memory, MB", figures["relay memory"])]
