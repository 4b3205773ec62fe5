#!/usr/bin/env python3
"""Figures about whole fleets: how soon a commit is seen elsewhere, and what a hub takes; see scripts/bench.sh."""

import argparse
import contextlib
import datetime
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from brokers import NatsServer  # noqa: E402
from measure import Failed  # noqa: E402
from nodes import Site, check_ins, reading  # noqa: E402
from peers import Stock  # noqa: E402
from pushes import push_commits  # noqa: E402
from report import machine, write  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = "Fleets"
LEAVES = 50
WRITERS = 12
VISIBLE_MAX_S = 30
IDLE_S = 120


def say(text):
    print(text, file=sys.stderr, flush=True)


class Row:
    """A line of the table; `limits` are (value, most or least, text) and say whether a goal is missed."""

    def __init__(self, what, figure, goal="–", missed=False, note=""):
        self.what, self.figure, self.goal, self.missed, self.note = what, figure, goal, missed, note

    def __str__(self):
        verdict = "" if self.goal == "–" else "**missed**" if self.missed else "met"
        return f"| {self.what} | {self.figure} | {self.note or '–'} | {self.goal} | {verdict} |"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


# ---- commit on A, visible on B ----

def wait_until(database, count, deadline):
    """The moment at which a repository shows that many check-ins."""
    while True:
        if check_ins(database) >= count:
            return time.monotonic()
        if time.monotonic() > deadline:
            raise Failed(f"a commit is not visible after {VISIBLE_MAX_S} s")
        time.sleep(0.0005)


def visible_latencies(site, source, target, runs, pause_s=1.0):
    """Seconds from the commit standing in one repository until it stands in the other, seen from outside."""
    with reading(source) as here, reading(target) as there:
        site.commit(source, "warm\n", "warm.txt", "warm")
        wait_until(there, check_ins(here), time.monotonic() + VISIBLE_MAX_S)
        latencies, moments = [], random.Random(1)
        for i in range(runs):
            time.sleep(moments.random() * pause_s)   # or each commit would fall right behind a poll
            count, deadline = check_ins(here) + 1, time.monotonic() + VISIBLE_MAX_S
            committing = threading.Thread(target=site.commit, args=(source, f"{i}\n", f"f{i % 7}.txt", f"commit {i}"))
            committing.start()
            began = wait_until(here, count, deadline)
            latencies.append(wait_until(there, count, deadline) - began)
            committing.join()
        return latencies


def visible(bench, name, what, poll_goal=False):
    """P50 and P99 of one way of being joined."""
    site = Site(tempfile.mkdtemp(prefix=name, dir=bench.work), bench.program)
    a, b, *between = site.clones(5 if name == "chain" else 2)
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        if name == "poll":
            # Two leaves that know a hub only by its address for Fossil clients: B learns by asking.
            hub = start(site.leaf("a", a))
            address = f"http://{hub.address}/"
            start(site.leaf("b", b, "--peer", address, "--poll", "1s"))
        elif name == "embedded":
            hub = start(site.hub("hub", a))
            start(site.leaf("b", b, "--nats", f"nats-leaf://127.0.0.1:{hub.leaf_port}"))
        elif name == "server":
            server = start(NatsServer(site.work, bench.nats_server).start(listens=True))
            for leaf, repository in (("a", a), ("b", b)):
                start(site.leaf(leaf, repository, "--nats", f"nats-leaf://127.0.0.1:{server.leaf_port}"))
        else:
            upstream = None
            for i, repository in enumerate(between, 1):
                hub = start(site.hub(f"hub{i}", repository, upstream))
                upstream, first = hub.leaf_port, hub.leaf_port if i == 1 else first
            start(site.leaf("a", a, "--nats", f"nats-leaf://127.0.0.1:{first}", "--nats-role", "leaf"))
            start(site.leaf("b", b, "--nats", f"nats-leaf://127.0.0.1:{upstream}", "--nats-role", "leaf"))
        latencies = visible_latencies(site, a, b, bench.runs * (1 if poll_goal else 10))
    p50, p99 = statistics.median(latencies) * 1000, percentile(latencies, 0.99) * 1000
    goal = "–" if poll_goal or name == "chain" else "P50 ≤ 20 ms, P99 ≤ 100 ms"
    yield Row(what, f"P50 {p50:.1f} ms, P99 {p99:.1f} ms", goal, goal != "–" and (p50 > 20 or p99 > 100), f"{len(latencies)} commits")


# ---- where one end is stock's ----

STOCK_CODE = "select value from config where name='project-code'"


def bridged(bench, watches=False, backwards=False):
    """A leaf, nats-server, the bridge and stock's server; from the one end to the other, or back."""
    site = Site(tempfile.mkdtemp(prefix="bridge", dir=bench.work), bench.program)
    leaf, theirs = site.clones(2)
    stock = Stock("fossil", bench.fossil, site.work)
    with reading(theirs) as database:
        project = database.execute(STOCK_CODE).fetchone()[0]
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        fossil = start(stock.serve(theirs))
        server = start(NatsServer(site.work, bench.nats_server).start(listens=True))
        nats = f"nats-leaf://127.0.0.1:{server.leaf_port}"
        start(site.bridge("bridge", project, fossil.url, "--nats", nats, *(["--fossil-file", theirs] if watches else [])))
        start(site.leaf("leaf", leaf, "--nats", nats, "--nats-role", "leaf"))
        if not backwards:
            return latencies_of(site, leaf, theirs, lambda i: site.commit(leaf, f"{i}\n", f"f{i % 7}.txt", f"commit {i}"), bench)
        return latencies_of(site, theirs, leaf, stock_commits(stock, fossil.url, site), bench)


def stock_commits(stock, url, site):
    """Commits made in a check-out of stock's, which brings each to the server it was cloned from."""
    folder = tempfile.mkdtemp(prefix="checkout-", dir=site.work)
    copy, tree = os.path.join(folder, "copy.fossil"), os.path.join(folder, "tree")
    stock.capture("clone", url, copy)
    stock.open_tree(copy, tree)
    stock.capture("setting", "autosync", "on", cwd=tree)

    def commit(i):
        name = f"s{i % 7}.txt"
        with open(os.path.join(tree, name), "w", encoding="ascii") as file:
            file.write(f"{i}\n" * 10)
        stock("add", name, cwd=tree, must_succeed=False)
        stock.commit(copy, tree, name, f"stock {i}")

    return commit


def latencies_of(site, source, target, commit, bench):
    """Seconds from the commit standing in one repository until it stands in the other."""
    with reading(source) as here, reading(target) as there:
        latencies, moments = [], random.Random(1)
        for i in range(-2, bench.runs * 8):
            time.sleep(moments.random())
            count, deadline = check_ins(here) + 1, time.monotonic() + VISIBLE_MAX_S
            committing = threading.Thread(target=commit, args=(i,))
            committing.start()
            began = wait_until(here, count, deadline)
            ended = wait_until(there, count, deadline)
            committing.join()
            if i >= 0:   # the first two find everybody awake
                latencies.append(ended - began)
        return latencies


def through_leaf(bench):
    """Stock's client brings a commit to one of our leaves; another leaf has it."""
    site = Site(tempfile.mkdtemp(prefix="push", dir=bench.work), bench.program)
    a, b = site.clones(2)
    stock = Stock("fossil", bench.fossil, site.work)
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        server = start(NatsServer(site.work, bench.nats_server).start(listens=True))
        nats = f"nats-leaf://127.0.0.1:{server.leaf_port}"
        first = start(site.leaf("a", a, "--nats", nats))
        start(site.leaf("b", b, "--nats", nats))
        return latencies_of(site, a, b, stock_commits(stock, f"http://{first.address}/", site), bench)


def stock_row(what, latencies, goal):
    """As fleets do, with the goal of those that have a stock program at one end."""
    p50, p99 = statistics.median(latencies) * 1000, percentile(latencies, 0.99) * 1000
    yield Row(what, f"P50 {p50:.1f} ms, P99 {p99:.1f} ms", "P50 ≤ 100 ms" if goal else "–", goal and p50 > 100, f"{len(latencies)} commits")


# ---- what a hub takes ----

def hub_commits(bench):
    """Pushes of one commit each by twelve writers at once, each acknowledged before the next; then stock's server."""
    site = Site(tempfile.mkdtemp(prefix="commits", dir=bench.work), bench.program)
    ours, theirs = site.clones(2)
    with site.hub("hub", ours) as hub:
        rate, latencies = push_commits(ours, f"http://127.0.0.1:{hub.http_port}/", WRITERS, 1200)
        loaded = hub.memory_kb("VmHWM")
    stock = Stock("fossil", bench.fossil, site.work)
    with stock.serve(theirs) as server:
        stock_rate, stock_latencies = push_commits(theirs, server.url, WRITERS, 240)
    p99, stock_p99 = percentile(latencies, 0.99) * 1000, percentile(stock_latencies, 0.99) * 1000
    yield Row(f"hub, {WRITERS} writers that push a commit at a time", f"{rate:.0f} commits/s, P99 {p99:.0f} ms",
              "≥ 200/s, P99 ≤ 250 ms", rate < 200 or p99 > 250, f"stock's server: {stock_rate:.0f}/s, P99 {stock_p99:.0f} ms")
    yield Row("memory of that hub at most", f"{loaded / 1024:.1f} MB")


def broker_bytes(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/varz", timeout=5) as answer:
        values = json.load(answer)
    return values["in_bytes"] + values["out_bytes"], values["in_msgs"] + values["out_msgs"]


def star(bench):
    """One commit on one of fifty leaves until all the others have it, and what the hub's broker carried for it."""
    site = Site(tempfile.mkdtemp(prefix="star", dir=bench.work), bench.program)
    center, *leaves = site.clones(LEAVES + 1)
    with contextlib.ExitStack() as stack:
        hub = stack.enter_context(site.hub("hub", center))
        nodes = [stack.enter_context(site.leaf(f"leaf{i}", repository, "--nats", f"nats-leaf://127.0.0.1:{hub.leaf_port}",
                                               "--nats-role", "leaf", "--poll", "60s"))
                 for i, repository in enumerate(leaves, 1)]
        here, *there = [stack.enter_context(reading(repository)) for repository in leaves]
        site.commit(leaves[0], "warm\n", "warm.txt", "warm")
        for database in there:
            wait_until(database, check_ins(here), time.monotonic() + 120)
        seconds, sizes, messages = [], [], []
        for i in range(bench.runs):
            before, count = broker_bytes(hub.monitor_port), check_ins(here) + 1
            deadline = time.monotonic() + 120
            site.commit(leaves[0], f"{i}\n" * 100, f"f{i}.txt", f"commit {i}")
            began = wait_until(here, count, deadline)
            seconds.append(max(wait_until(database, count, deadline) for database in there) - began)
            after = broker_bytes(hub.monitor_port)
            sizes.append(after[0] - before[0])
            messages.append(after[1] - before[1])
        memory = statistics.median(node.memory_kb() for node in nodes)
    yield Row(f"{LEAVES} leaves on one hub agree after a commit", f"{statistics.median(seconds):.2f} s", note=f"{bench.runs} commits")
    yield Row("bytes through the hub's broker for it",
              f"{statistics.median(sizes) / 1024:.0f} KiB in {statistics.median(messages):.0f} messages",
              f"messages ≤ {20 * LEAVES}", statistics.median(messages) > 20 * LEAVES, "both ways; 50 × 50 would be 2,500 exchanges")
    yield Row("memory of a leaf there", f"{memory / 1024:.1f} MB", "≤ 45 MB", memory > 45 * 1024)


def idle(bench):
    """A leaf with its broker, doing nothing."""
    site = Site(tempfile.mkdtemp(prefix="idle", dir=bench.work), bench.program)
    repository, = site.clones(1)
    with site.hub("hub", repository) as hub:
        time.sleep(3)
        before, memory = hub.processor_s(), hub.memory_kb()
        time.sleep(5)
        busy = (hub.processor_s() - before) / 5
    yield Row("memory of an idle hub", f"{memory / 1024:.1f} MB", "≤ 45 MB", memory > 45 * 1024, f"{busy * 100:.1f} % of a processor")


def idle_leaf(bench):
    """A leaf that is joined to a hub and has nothing to do, beside a nats-server that is linked to another one."""
    site = Site(tempfile.mkdtemp(prefix="idle-leaf", dir=bench.work), bench.program)
    first, second = site.clones(2)
    stock = NatsServer(site.work, bench.nats_server)
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        hub = start(site.hub("hub", first))
        leaf = start(site.leaf("leaf", second, "--nats", f"nats-leaf://127.0.0.1:{hub.leaf_port}", "--nats-role", "leaf"))
        server = start(stock.start(upstream=start(stock.start(listens=True)).leaf_port))
        time.sleep(10)   # the start of each is over
        before = leaf.processor_s(), server.processor_s()
        time.sleep(IDLE_S)
        ours, theirs = leaf.processor_s() - before[0], server.processor_s() - before[1]
        memory, their_memory = leaf.memory_kb(), server.memory_kb()
    yield Row(f"processor time of an idle leaf joined to a hub, {IDLE_S} s", f"{ours * 1000:.0f} ms ({ours / theirs:.2f})",
              "≤ 0.8 of nats-server's", ours > 0.8 * theirs, f"nats-server with a leafnode link: {theirs * 1000:.0f} ms")
    yield Row("memory of that leaf", f"{memory / 1024:.1f} MB ({memory / their_memory:.2f})", "≤ 1.5 of nats-server's",
              memory > 1.5 * their_memory, f"nats-server: {their_memory / 1024:.1f} MB")


CASES = {
    "poll": lambda bench: visible(bench, "poll", "commit seen by a leaf that polls over HTTP (each second)", poll_goal=True),
    "embedded": lambda bench: visible(bench, "embedded", "commit on a hub seen by its leaf, embedded brokers"),
    "server": lambda bench: visible(bench, "server", "commit on a leaf seen by another, nats-server between them"),
    "chain": lambda bench: visible(bench, "chain", "commit on a leaf seen at the other end of three hubs"),
    "tostock": lambda bench: stock_row("commit on a leaf in stock's file, through nats-server, bridge and stock's server", bridged(bench), True),
    "fromstock": lambda bench: stock_row("commit brought to stock's server seen by a leaf behind the bridge", bridged(bench, backwards=True), False),
    "fromfile": lambda bench: stock_row("the same where the bridge watches the server's file", bridged(bench, watches=True, backwards=True), True),
    "stockleaf": lambda bench: stock_row("commit that stock's client brought to a leaf seen by another leaf", through_leaf(bench), True),
    "commits": hub_commits,
    "star": star,
    "idle": idle,
    "idle-leaf": idle_leaf,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", help="comma separated: " + ", ".join(CASES))
    parser.add_argument("--out", help="report; docs/BENCHMARKS.md unless --only is given")
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    parser.add_argument("--nats-server", default=os.environ.get("EDGESYNC_NATS_SERVER", "nats-server"))
    bench = parser.parse_args()
    bench.program = os.path.abspath(bench.binary)
    bench.fossil = os.environ.get("EDGESYNC_FOSSIL", "fossil")
    chosen = bench.only.split(",") if bench.only else list(CASES)
    out = bench.out or (None if bench.only else os.path.join(ROOT, "docs", "BENCHMARKS.md"))

    bench.work = tempfile.mkdtemp(prefix="edgesync-bench-fleet-")
    rows, failed, load = [], [], os.getloadavg()[0]
    try:
        version = subprocess.run([bench.program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        for name in chosen:
            try:
                for row in CASES[name](bench):
                    rows.append(row)
                    say(str(row))
            except Failed as failure:
                failed.append(f"{name}: {failure}")
                say(f"FAILED {failed[-1]}")
    finally:
        shutil.rmtree(bench.work, ignore_errors=True)

    missed = [f"{row.what}: {row.figure}, goal {row.goal}" for row in rows if row.goal != "–" and row.missed]
    report = [
        "Daemons as processes on one machine, `scripts/bench.sh fleet`; what is visible is read from the repository files.", "",
        f"- {datetime.date.today().isoformat()}, {machine()}, load {load:.1f} at the start", f"- {version}", "",
        "| What | Figure | | Goal | |", "| --- | --- | --- | --- | --- |", *[str(row) for row in rows], "",
        "### Missed by the fleets", "", *([f"- {line}" for line in missed] or ["Nothing."]),
        *(["", "### Failed cases", "", *[f"- {line}" for line in failed]] if failed else [])]
    if out:
        write(out, TITLE, report)
        say(f"wrote {out}")
    else:
        print("\n".join([f"## {TITLE}", "", *report]))
    return 1 if missed or failed else 0


if __name__ == "__main__":
    sys.exit(main())
