#!/usr/bin/env python3
"""Figures of work on checkouts and of whole histories, ours beside stock's; see scripts/bench.sh."""

import argparse
import datetime
import hashlib
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bench import history, judge, say, table  # noqa: E402
from cases import Row  # noqa: E402
from measure import Failed, interleave, run  # noqa: E402
from peers import Ours, Stock, artifact_set, copy, open_to_all  # noqa: E402
from report import machine, write  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = "Checkouts"
WALL_MAX = 0.8
IMPORT_MAX = 0.5
RSS_MAX = 1.0
UPDATE_CHECKINS = 1000
ANNOTATED_VERSIONS = 1000
ANNOTATED_LINES = 400
DIFF_FILES = 50


class Side:
    """One program with a repository and a checkout of its own."""

    def __init__(self, peer, repo, folder):
        self.peer, self.repo, self.folder = peer, repo, folder

    def __call__(self, *words):
        return self.peer(*words, cwd=self.folder)

    def open(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder)
        return self.peer("open", self.repo, cwd=self.folder)


class Bench:
    """`ours` is called by the name of fossil, and so understands and prints what stock does; `program` is not."""

    def __init__(self, program, ours, stock, work, runs):
        self.program, self.ours, self.stock, self.work, self.runs = program, ours, stock, work, runs
        self.git, self.repo = self.path("history.git"), self.path("history.fossil")

    def path(self, name):
        return os.path.join(self.work, name)

    def sides(self, name, repo, is_open=True, settings=None):
        sides = [Side(peer, copy(repo, self.path(f"{name}-{peer.name}.fossil")), self.path(f"{name}-{peer.name}"))
                 for peer in (self.ours, self.stock)]
        for side in sides:
            with sqlite3.connect(side.repo) as database:
                database.executemany("REPLACE INTO config(name,value,mtime) VALUES(?,?,0)", (settings or {}).items())
            database.close()
        for side in sides if is_open else []:
            side.open()
        return sides

    def pair(self, work, sides, does, runs=None, wall_max=WALL_MAX, note=""):
        """A row: `does` asks one side for the work."""
        ours, stock = (lambda side=side: does(side) for side in sides)
        return Row(work, *interleave(runs or self.runs, ours, stock), wall_max=wall_max, rss_max=RSS_MAX, note=note)


def tree(folder):
    """What a checkout holds, as one number and the count of its files."""
    names = sorted(os.path.join(at, name) for at, _, files in os.walk(folder) for name in files
                   if not name.startswith(".fslckout"))
    digest = hashlib.sha1()
    for name in names:
        digest.update(os.path.relpath(name, folder).encode("utf-8", "surrogateescape"))
        if not os.path.islink(name):
            with open(name, "rb") as file:
                digest.update(file.read())
    return digest.hexdigest(), len(names)


def must_be_equal(what, of_ours, of_stock):
    if of_ours != of_stock:
        raise Failed(f"{what}: ours {str(of_ours)[:300]}, stock's {str(of_stock)[:300]}")


def opening(bench):
    sides = bench.sides("open", bench.repo, is_open=False)
    row = bench.pair("open", sides, lambda side: side.open())
    trees = [tree(side.folder) for side in sides]
    must_be_equal("files after open", *trees)
    row.note = f"{trees[0][1]:,} files"
    yield row


def status(bench):
    sides = bench.sides("status", bench.repo)
    yield bench.pair("status", sides, lambda side: side("status"), 3 * bench.runs)


def updating(bench):
    """
    A thousand check-ins back along the first parents, and forth again. From the check-in with the longest such line: the
    newest of the generated history stands alone.
    """
    with sqlite3.connect(bench.repo) as database:
        names = dict(database.execute("SELECT objid, uuid FROM event JOIN blob ON rid=objid WHERE type='ci'"))
        parents = dict(database.execute("SELECT cid, pid FROM plink WHERE isprim ORDER BY cid"))
    database.close()

    def ancestors(checkin):
        yield checkin
        while (checkin := parents.get(checkin)) in names:
            yield checkin
    longest = max((list(ancestors(checkin)) for checkin in names), key=lambda line: (len(line), line[0]))
    line = [names[checkin] for checkin in longest[:UPDATE_CHECKINS + 1]]
    # With links as links: where they are files, each is taken for edited, and stock 2.21 stops with an assertion.
    sides = bench.sides("update", bench.repo, settings={"allow-symlinks": "on"})
    for what, start, end in ((f"update, {len(line) - 1:,} check-ins back", line[0], line[-1]),
                             (f"update, {len(line) - 1:,} check-ins forth", line[-1], line[0])):
        def does(side, start=start, end=end):
            side("update", start)
            return side("update", end)
        yield bench.pair(what, sides, does)
        must_be_equal("files after update", *(tree(side.folder) for side in sides))


def tree_of(bench, count):
    """A repository with so many files of some lines each."""
    repo, folder = bench.path(f"tree-{count}.fossil"), bench.path(f"tree-{count}")
    bench.stock.capture("new", repo)
    open_to_all(repo)
    for i in range(count):
        into = os.path.join(folder, f"folder{i // 100}")
        if i % 100 == 0:
            os.makedirs(into)
        with open(os.path.join(into, f"file{i}.txt"), "w", encoding="ascii") as file:
            file.writelines(f"line {n} of file {i}\n" for n in range(40))
    bench.program.capture("repo", "ci", ".", "-m", "all of them", "-R", repo, cwd=folder)
    shutil.rmtree(folder)
    return repo


def append(side, name, text):
    with open(os.path.join(side.folder, name), "a", encoding="ascii") as file:
        file.write(text)


def committing(bench):
    for count, runs in ((1_000, 2 * bench.runs), (20_000, bench.runs)):
        sides = bench.sides(f"commit-{count}", tree_of(bench, count))
        edits = {side: 0 for side in sides}

        def does(side):
            edits[side] += 1
            append(side, "folder7/file751.txt", f"edit {edits[side]}\n")
            return side("commit", "-m", f"edit {edits[side]}", "--no-warnings")
        yield bench.pair(f"commit of one file in {count:,}", sides, does, runs)
        must_be_equal("files after commit", *(tree(side.folder) for side in sides))
        if count == 1_000:
            yield from diffing(bench, sides)


def diffing(bench, sides):
    for side in sides:
        for i in range(DIFF_FILES):
            append(side, f"folder{i % 10}/file{100 * (i % 10) + i}.txt", "one line more\n")
    row = bench.pair(f"diff of {DIFF_FILES} edited files", sides, lambda side: side("diff"), 3 * bench.runs)
    must_be_equal("diff", row.ours.output, row.stock.output)
    yield row


def annotating(bench):
    """A file of some hundred lines, of which each version changes a few."""
    rng, stream, repo = random.Random(1), bench.path("annotated"), bench.path("annotated.fossil")
    lines = [f"line {i} as it was first" for i in range(ANNOTATED_LINES)]
    with open(stream, "w", encoding="ascii") as file:
        for i in range(ANNOTATED_VERSIONS):
            for _ in range(rng.randint(1, 3)):
                lines[rng.randrange(len(lines))] = f"version {i} wrote {rng.randrange(10**9)}"
            if rng.random() < 0.2:
                lines.insert(rng.randrange(len(lines)), f"version {i} added a line")
            text = "".join(line + "\n" for line in lines)
            file.write(f"commit refs/heads/master\nmark :{i + 1}\n"
                       f"committer A <a@example.org> {1_600_000_000 + 60 * i} +0000\n"
                       f"data {len(str(i))}\n{i}\n" + (f"from :{i}\n" if i else "")
                       + f"M 644 inline text.txt\ndata {len(text)}\n{text}\n")
    bench.stock.capture("import", "--git", repo, stream)
    open_to_all(repo)
    sides = bench.sides("annotate", repo)
    row = bench.pair(
        f"annotate of a file with {ANNOTATED_VERSIONS:,} versions", sides,
        lambda side: side("annotate", "text.txt", "-n", "none"))
    must_be_equal("annotate", row.ours.output, row.stock.output)
    yield row


def listing(bench):
    sides = bench.sides("timeline", bench.repo)
    yield bench.pair(
        "timeline, 200 check-ins", sides, lambda side: side("timeline", "-n", "200", "-t", "ci"), 3 * bench.runs)


def searching(bench):
    """Check-in comments; ours has an index, which its first search makes."""
    with sqlite3.connect(bench.repo) as database:
        comments = database.execute("SELECT comment FROM event WHERE type='ci' ORDER BY mtime DESC LIMIT 50").fetchall()
    database.close()
    sides = bench.sides("search", bench.repo)
    word = next(word.lower() for row in comments for word in row[0].split() if word.isalpha() and len(word) > 4)

    # Stock's name for it is not one of ours yet.
    def does(side):
        if side is sides[1]:
            return side("search", word, "-n", "20")
        return bench.program("repo", "search", word, "--in", "comments", "-n", "20", cwd=side.folder)
    first = does(sides[0])
    yield bench.pair("search in comments, 20 hits", sides, does, 3 * bench.runs,
                     note=f"our first search, which makes the index of everything: {first.wall_s:.2f} s")


def importing(bench):
    sides = bench.sides("import", bench.repo, is_open=False)

    def does(side):
        for suffix in ("", "-wal", "-shm", "-journal"):
            if os.path.exists(side.repo + suffix):
                os.remove(side.repo + suffix)
        return side.peer("import", "--git", side.repo, bench.git)
    yield bench.pair("import --git", sides, does, max(3, bench.runs // 2), IMPORT_MAX,
                     f"{os.path.getsize(bench.git) / 1e6:.0f} MB of stream")
    must_be_equal("artifacts after import", *(artifact_set(side.repo) for side in sides))


def exporting(bench):
    sides = bench.sides("export", bench.repo, is_open=False)

    # Both to a file: a pipe to this script would be measured too.
    def does(side):
        words = ["sh", side.peer.binary, "export", "--git", "-R", side.repo]
        return run(["/bin/sh", "-c", f'exec "$@" >{side.folder}', *words], side.peer.env)
    row = bench.pair("export --git", sides, does, max(3, bench.runs // 2))
    sizes = [os.path.getsize(side.folder) for side in sides]
    if min(sizes) == 0:
        raise Failed(f"an export is empty: {sizes}")
    row.note = f"{sizes[0] / 1e6:.0f} MB, stock {sizes[1] / 1e6:.0f} MB"
    yield row


CASES = {
    "open": opening, "status": status, "update": updating, "commit": committing, "annotate": annotating,
    "timeline": listing, "search": searching, "import": importing, "export": exporting,
}


def same_for_both(stream):
    """
    Takes from the stream of the generated history the two things that stock reads otherwise than git does: a line feed in
    a name, and a commit without `from` in a branch that has others (git: a child of the last one; stock: no parent).
    """
    with open(stream, "rb") as file:
        text = file.read()
    text = text.replace(b'"docs/new\\nline.txt"', b"docs/newnline.txt")
    text = re.sub(rb"\n(commit (\S+)\nmark \S+\ncommitter [^\n]+\ndata \d+\nlost parent\n)", rb"\nreset \2\n\n\1", text)
    with open(stream, "wb") as file:
        file.write(text)


def make_history(bench, arguments):
    """The stream of git and the repository that are measured; answers the history's name."""
    if not arguments.git:
        arguments.repo = None
        made, name = history(arguments, bench.work)
        copy(made, bench.repo)
        bench.program.capture("repo", "export", "--git", "-R", bench.repo, "-o", bench.git)
        same_for_both(bench.git)
    else:
        name = f"the history of `{arguments.git_name or os.path.basename(os.path.abspath(arguments.git))}`"
        git = ["git", "--git-dir", arguments.git]
        branch = subprocess.check_output([*git, "symbolic-ref", "HEAD"], text=True).strip()
        with open(bench.git, "wb") as file:
            subprocess.run([*git, "fast-export", "--signed-tags=strip", branch], check=True, stdout=file)
        bench.program.capture("repo", "import", "--git", bench.repo, bench.git)
        # As stock leaves it behind its own import.
        bench.stock.capture("rebuild", "--compress", bench.repo)
    open_to_all(bench.repo)
    return name


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--git", help="git directory whose HEAD's history is taken (default: the generated history)")
    parser.add_argument("--git-name", help="what the report calls it")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (small commands get more)")
    parser.add_argument("--only", help="comma separated: " + ", ".join(CASES))
    parser.add_argument("--out", help="report; docs/BENCHMARKS.md unless --only is given")
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    arguments = parser.parse_args()
    chosen = arguments.only.split(",") if arguments.only else list(CASES)
    out = arguments.out or (None if arguments.only else os.path.join(ROOT, "docs", "BENCHMARKS.md"))

    work = tempfile.mkdtemp(prefix="edgesync-bench-checkout-")
    rows, failures = [], []
    try:
        link = os.path.join(work, "called", "fossil")
        os.makedirs(os.path.dirname(link))
        os.symlink(os.path.abspath(arguments.binary), link)
        program = Ours("edgesync", os.path.abspath(arguments.binary), work)
        stock = Stock("fossil", os.environ.get("EDGESYNC_FOSSIL", "fossil"), work)
        bench = Bench(program, Ours("edgesync", link, work), stock, work, arguments.runs)
        say("making the history")
        name = make_history(bench, arguments)
        load = os.getloadavg()[0]
        for case in chosen:
            try:
                for row in CASES[case](bench):
                    rows.append(row)
                    say(list(table([row]))[-1])
            except Failed as failure:
                failures.append(f"{case}: {failure}")
                say(f"FAILED {failures[-1]}")
        versions = [program.capture("--version").splitlines()[0], stock.capture("version").splitlines()[0]]
        count, size = artifact_set(bench.repo)[0], os.path.getsize(bench.repo)
        with sqlite3.connect(bench.repo) as database:
            checkins = database.execute("SELECT count(*) FROM event WHERE type='ci'").fetchone()[0]
        database.close()
    finally:
        shutil.rmtree(work, ignore_errors=True)

    missed = [f"{row.work}: {', '.join(judge(row)[1])}" for row in rows if judge(row)[1]]
    report = [
        f"Work on checkouts and whole histories, `scripts/bench.sh checkout`, on {name}.", "",
        f"- {datetime.date.today().isoformat()}, {machine()}, load {load:.1f} at the start",
        f"- {versions[0]}; {versions[1]}",
        f"- {checkins:,} check-ins, {count:,} artifacts, {size / 1e6:.1f} MB; {arguments.runs} runs of each side, "
        "more of small commands",
        "", *table(rows), "",
        "### Missed by checkouts", "", *([f"- {line}" for line in missed] or ["Nothing."]), "",
        *(["### Failed on checkouts", "", *[f"- {line}" for line in failures], ""] if failures else [])]
    if out:
        write(out, TITLE, report)
        say(f"wrote {out}")
    else:
        print("\n".join([f"## {TITLE}", "", *report]))
    for line in missed:
        say(f"missed: {line}")
    return 1 if missed or failures else 0


if __name__ == "__main__":
    sys.exit(main())
