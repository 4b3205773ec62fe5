#!/usr/bin/env python3
"""Side-by-side figures of our program and stock; see scripts/bench.sh."""

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cases import CASES, EARLIER, Bench  # noqa: E402
from measure import Failed  # noqa: E402
from peers import Ours, Stock, artifact_set  # noqa: E402
from report import machine, write  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY_MB_MAX = 32


def say(text):
    print(text, file=sys.stderr, flush=True)


def seconds(sample):
    if sample is None or sample.wall_s == 0:
        return "–"
    return f"{sample.wall_s * 1000:.1f} ms" if sample.wall_s < 1 else f"{sample.wall_s:.2f} s"


def megabytes(sample):
    return "–" if sample is None or sample.rss_kb == 0 else f"{sample.rss_kb / 1024:.1f}"


def ratio(ours, stock):
    return ours / stock if ours and stock else None


def judge(row):
    """The limits of a row as text, and the ones it passed."""
    wall = ratio(row.ours.wall_s, row.stock.wall_s) if row.stock else None
    rss = ratio(row.ours.rss_kb, row.stock.rss_kb) if row.stock else None
    checks = [
        (row.wall_max, wall, lambda limit: f"time ≤ {limit}"),
        (row.rss_max, rss, lambda limit: f"memory ≤ {limit}"),
        (row.wall_s_max, row.ours.wall_s,
         lambda limit: f"≤ {limit * 1000:.0f} ms" if limit < 1 else f"≤ {limit:.0f} s"),
        (row.rss_kb_max, row.ours.rss_kb, lambda limit: f"≤ {limit // 1024} MB"),
    ]
    goals = [show(limit) for limit, _, show in checks if limit is not None]
    missed = [show(limit) for limit, value, show in checks if limit is not None and value is not None and value > limit]
    return ", ".join(goals), missed


def table(rows, earlier=None):
    """The rows; `earlier` has those of another file of ours under the same names, for two columns more."""
    more = ["Earlier file", "Time / earlier"] if earlier is not None else []
    head = ["Work", "Ours", "Stock", "Time", "Ours MB", "Stock MB", "Memory", *more, "Goal", ""]
    yield "| " + " | ".join(head[:-1]) + " | |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        goals, missed = judge(row)
        wall = ratio(row.ours.wall_s, row.stock.wall_s) if row.stock else None
        rss = ratio(row.ours.rss_kb, row.stock.rss_kb) if row.stock else None
        cells = [
            row.work + (f" ({row.note})" if row.note else ""), seconds(row.ours), seconds(row.stock),
            f"{wall:.2f}" if wall else "–", megabytes(row.ours), megabytes(row.stock), f"{rss:.2f}" if rss else "–",
            goals or "–", ("**missed**" if missed else "met") if goals else ""]
        if earlier is not None:
            before = earlier.get(row.work)
            change = ratio(row.ours.wall_s, before.ours.wall_s) if before else None
            text = f"{seconds(before.ours)}, {megabytes(before.ours)} MB" if before else "–"
            cells[7:7] = [text, f"{change:.2f}" if change else "–"]
        yield "| " + " | ".join(cells) + " |"


def history(arguments, work):
    if arguments.repo:
        return arguments.repo, f"`{os.path.basename(arguments.repo)}`"
    target = os.path.join(work, "generated.fossil")
    say("making the generated history")
    subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "make-history.py"), target],
                   check=True, stdout=subprocess.DEVNULL, env={**os.environ, "HOME": work, "USER": "tester"})
    return target, "the generated history (`scripts/make-history.py`, seed 1)"


def other_binary(binary):
    """The size of the file for arm64 beside this one, if it was published."""
    other = os.path.join(os.path.dirname(binary), "linux-arm64", "edgesync")
    return f"; for arm64 {os.path.getsize(other) / 1e6:.1f} MB" if os.path.exists(other) else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", help="history to measure on; copied, never written")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (small commands get more)")
    parser.add_argument("--only", help="comma separated: " + ", ".join(CASES))
    parser.add_argument("--out", help="report; docs/BENCHMARKS.md unless --only is given")
    parser.add_argument("--append", action="store_true", help="add a second history to the report")
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    parser.add_argument("--earlier", help="another file of ours: every case that it knows is run with it, too, right after")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(CASES)
    out = arguments.out or (None if arguments.only else os.path.join(ROOT, "docs", "BENCHMARKS.md"))

    work = tempfile.mkdtemp(prefix="edgesync-bench-")
    rows, failures = [], []
    earlier = {} if arguments.earlier else None
    try:
        source, name = history(arguments, work)
        ours = Ours("edgesync", os.path.abspath(arguments.binary), work)
        stock = Stock("fossil", os.environ.get("EDGESYNC_FOSSIL", "fossil"), work)
        bench = Bench(ours, stock, source, work, arguments.runs)
        before = None
        if arguments.earlier:
            folder = os.path.join(work, "earlier")
            os.mkdir(folder)
            binary = Ours("edgesync", os.path.abspath(arguments.earlier), folder)
            before = Bench(binary, Stock("fossil", stock.binary, folder), source, folder, arguments.runs)
        load = os.getloadavg()[0]
        for case in chosen:
            try:
                for row in CASES[case](bench):
                    rows.append(row)
                    say(list(table([row]))[-1])
                for row in CASES[case](before) if before and case in EARLIER else ():
                    earlier[row.work] = row
                    say(f"  earlier file: {row.work}: {seconds(row.ours)}, {megabytes(row.ours)} MB")
            except Failed as failure:
                failures.append(f"{case}: {failure}")
                say(f"FAILED {failures[-1]}")
        text = [f"- earlier file: {binary.capture('--version').splitlines()[0]}"] if before else []
        versions = [ours.capture("--version").splitlines()[0], stock.capture("version").splitlines()[0]]
        count = artifact_set(bench.repo)[0]
        size = os.path.getsize(bench.repo)
    finally:
        shutil.rmtree(work, ignore_errors=True)

    binary = os.path.getsize(arguments.binary) / 1e6
    missed = [f"{row.work}: {', '.join(judge(row)[1])}" for row in rows if judge(row)[1]]
    if binary > BINARY_MB_MAX:
        missed.append(f"the program: {binary:.1f} MB")
    report = [
        f"- {datetime.date.today().isoformat()}, {machine()}, load {load:.1f} at the start",
        f"- {versions[0]}; {versions[1]}", *text,
        f"- {count:,} artifacts, {size / 1e6:.1f} MB; {arguments.runs} runs of each side, more of small commands",
        f"- the program is one file of {binary:.1f} MB (goal ≤ {BINARY_MB_MAX} MB){other_binary(arguments.binary)}", "",
        *table(rows, earlier), "",
        "### Missed", "", *([f"- {line}" for line in missed] or ["Nothing."]), "",
        *(["### Failed", "", *[f"- {line}" for line in failures], ""] if failures else [])]
    if out:
        # A first history replaces those of an earlier run; the figures of other scripts stay.
        write(out, f"On {name}", report, lambda title: arguments.append or not title.startswith("On "))
        say(f"wrote {out}")
    else:
        print("\n".join([f"## On {name}", "", *report]))
    for line in missed:
        say(f"missed: {line}")
    return 1 if missed or failures else 0


if __name__ == "__main__":
    sys.exit(main())
