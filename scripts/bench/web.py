#!/usr/bin/env python3
"""Pages of a large repository, ours and stock's server by turns; see scripts/bench.sh."""

import argparse
import http.client
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Failed, Server  # noqa: E402
from report import machine, write  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = "Web pages"
CHECKINS = 15_000
GOAL_MS = 30

# What is measured: the address of ours, and stock's for the same.
# TURN makes each request another page: ours keeps pages until the repository has changed (docs/adr/0075).
PAGES = {
    "home": ("first page", "/", "/home"),
    "timeline": ("timeline", "/timeline", "/timeline"),
    "checkin": ("check-in with its differences", "/info/tip", "/info/tip"),
    "files": ("folder", "/dir?ci=tip", "/dir?ci=tip"),
    "branches": ("branches", "/brlist", "/brlist"),
    "home-made": ("first page, made anew", "/?turn=TURN", "/home"),
    "timeline-made": ("timeline, made anew", "/timeline?turn=TURN", "/timeline"),
}
WITH_GOAL = ("home", "timeline", "home-made", "timeline-made")


def say(text):
    print(text, file=sys.stderr, flush=True)


def fetch(port, path):
    """Milliseconds from the connection to the last byte, and the bytes. One connection each, as stock's server has it."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Accept": "text/html", "User-Agent": "Mozilla/5.0 (X11; Linux) bench"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Failed(f"{path} answers {answer.status}")
        return (time.perf_counter() - started) * 1000, len(body)
    finally:
        connection.close()


def percentile(samples, share):
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * share))]


def measure(ours, stock, page, runs):
    _, our_path, stock_path = PAGES[page]
    times = {"ours": [], "stock": []}
    sizes = {}
    for turn in range(runs + 3):
        for side, port, path in (("ours", ours, our_path), ("stock", stock, stock_path)):
            took, sizes[side] = fetch(port, path.replace("TURN", str(turn)))
            if turn >= 3:   # the first ones open files and compile
                times[side].append(took)
    return times, sizes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", help="repository to measure on; copied, never written")
    parser.add_argument("--runs", type=int, default=200, help="requests of each page to each side")
    parser.add_argument("--only", help="comma separated: " + ", ".join(PAGES))
    parser.add_argument("--out", help="report; docs/BENCHMARKS.md unless --only is given")
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    parser.add_argument("--note", help="a sentence about the run")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(PAGES)
    out = arguments.out or (None if arguments.only else os.path.join(ROOT, "docs", "BENCHMARKS.md"))

    work = tempfile.mkdtemp(prefix="edgesync-bench-")
    fossil = os.environ.get("EDGESYNC_FOSSIL", "fossil")
    environment = {**os.environ, "HOME": work, "USER": "tester"}
    try:
        repository = os.path.join(work, "big.fossil")
        if arguments.repo:
            shutil.copy(arguments.repo, repository)
        else:
            say("making the generated history")
            subprocess.run(
                [sys.executable, os.path.join(ROOT, "scripts", "make-history.py"), repository, "--checkins", str(CHECKINS)],
                check=True, stdout=subprocess.DEVNULL, env=environment)
        for side in ("ours", "stock"):
            os.makedirs(os.path.join(work, side))
            shutil.copy(repository, os.path.join(work, side, "big.fossil"))
        artifacts = subprocess.run(
            [arguments.binary, "repo", "query", "SELECT count(*) FROM blob", "-R", repository, "--json"],
            check=True, capture_output=True, text=True, env=environment).stdout
        count = max(int(word) for word in "".join(c if c.isdigit() else " " for c in artifacts).split())
        versions = [
            subprocess.run([arguments.binary, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0],
            subprocess.run([fossil, "version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]]
        load = os.getloadavg()[0]
        ours = Server(
            lambda port: [arguments.binary, "repo", "serve", "-R", os.path.join(work, "ours", "big.fossil"),
                          "--serve-http", f"127.0.0.1:{port}", "--log-level", "warning"], environment)
        stock = Server(
            lambda port: [fossil, "server", "--localhost", "--port", str(port), os.path.join(work, "stock", "big.fossil")],
            {**environment, "HOME": os.path.join(work, "stock")})
        rows, missed = [], []
        with ours, stock:
            for page in chosen:
                times, sizes = measure(port_of(ours), port_of(stock), page, arguments.runs)
                figures = [percentile(times[side], share) for side in ("ours", "stock") for share in (0.5, 0.99)]
                goal = f"P99 ≤ {GOAL_MS} ms" if page in WITH_GOAL else "–"
                is_missed = page in WITH_GOAL and figures[1] > GOAL_MS
                if is_missed:
                    missed.append(f"{page}: {goal}")
                rows.append("| " + " | ".join([
                    PAGES[page][0], *(f"{figure:.1f}" for figure in figures),
                    f"{statistics.median(times['ours']) / statistics.median(times['stock']):.2f}",
                    f"{sizes['ours'] / 1024:.0f} + {sizes['stock'] / 1024:.0f}", goal,
                    "" if page not in WITH_GOAL else "**missed**" if is_missed else "met"]) + " |")
                say(rows[-1])
    finally:
        shutil.rmtree(work, ignore_errors=True)

    lines = [
        "Pages over HTTP on loopback, a connection for each request, `scripts/bench.sh web`: "
        f"{arguments.runs} requests of each page to each side, by turns.", "",
        f"- {time.strftime('%Y-%m-%d', time.gmtime())}, {machine()}, load {load:.1f} at the start",
        f"- {versions[0]}; {versions[1]}",
        f"- {count:,} artifacts, " + (f"`{os.path.basename(arguments.repo)}`" if arguments.repo else
                                      f"`scripts/make-history.py`, {CHECKINS:,} check-ins, seed 1"),
    ]
    if arguments.note:
        lines.append(f"- {arguments.note}")
    lines += ["", "| Page, milliseconds | Ours P50 | Ours P99 | Stock P50 | Stock P99 | Ours / stock | KiB, ours + stock | Goal | |",
              "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |", *rows]
    print("\n".join(lines))
    if out:
        write(out, TITLE, lines)
    return 1 if missed else 0


def port_of(server):
    return int(server.url.rstrip("/").rsplit(":", 1)[1])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        say(f"FAILED {failure}")
        sys.exit(1)
