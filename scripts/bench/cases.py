"""What is measured. A case yields rows; a row is two medians and the limits on their ratio."""

import os
import statistics
from dataclasses import dataclass

from manifests import CHECK_INS, FILES, fill
from measure import Failed, Sample, interleave
from peers import artifact_set, bare_pull_s, copy, deepest_delta, empty_twin, open_to_all, stored_count

PUSHES_MAX = 20
IMPORTED_FILES = 100_000
IDLE_PUSHES_MAX = 3

# What a device has to have: every command on a real history stays below it, the server too.
DEVICE_KB_MAX = 128 * 1024

# Less is no real history: a process costs more than its content.
REAL_ARTIFACTS_MIN = 10_000


@dataclass
class Row:
    work: str
    ours: Sample
    stock: Sample | None = None
    wall_max: float | None = None   # ours / stock
    rss_max: float | None = None    # ours / stock
    wall_s_max: float | None = None
    rss_kb_max: int | None = None
    note: str = ""


class Bench:
    def __init__(self, ours, stock, repo, work, runs):
        self.ours, self.stock, self.work, self.runs = ours, stock, work, runs
        self.repo = copy(repo, self.path("history.fossil"))
        open_to_all(self.repo)
        self.is_large = os.path.getsize(self.repo) > 20_000_000
        is_real = artifact_set(self.repo)[0] >= REAL_ARTIFACTS_MIN
        self.clone_rss_max = 1.0 if is_real else None
        self.rss_kb_max = DEVICE_KB_MAX if is_real else None

    def path(self, name):
        return os.path.join(self.work, name)

    def pair(self, work, ours, stock, runs=None, **limits):
        # A lambda apiece: `interleave` tells the sides apart by identity.
        a, b = interleave(runs or self.runs, ours, stock)
        return Row(work, a, b, **limits)

    def must_equal(self, a, b):
        if artifact_set(a) != artifact_set(b):
            raise Failed(f"{a} and {b} do not hold the same artifacts")


def start(bench):
    yield bench.pair("start, print the version", bench.ours.version, bench.stock.version, 25, wall_s_max=0.025)


def clone(bench):
    """Both roles: who clones, and who serves."""
    target = {peer: bench.path(f"clone-{peer.name}.fossil") for peer in (bench.ours, bench.stock)}

    def cloning(peer, server):
        def once():
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(target[peer] + suffix):
                    os.remove(target[peer] + suffix)
            return peer.clone(server.url, target[peer])
        return once

    runs = max(3, bench.runs) if bench.is_large else bench.runs
    with bench.stock.serve(copy(bench.repo, bench.path("served-by-stock.fossil"))) as stock_server:
        yield bench.pair(
            "clone from a stock server", cloning(bench.ours, stock_server), cloning(bench.stock, stock_server), runs,
            wall_max=0.7, rss_max=bench.clone_rss_max, rss_kb_max=bench.rss_kb_max)
        bench.must_equal(target[bench.ours], bench.repo)
        with bench.ours.serve(copy(bench.repo, bench.path("served-by-ours.fossil"))) as our_server:
            cloning(bench.stock, our_server)()   # connections and caches of a leaf that just started do not count
            before = our_server.processor_s(), stock_server.processor_s()
            row = bench.pair(
                "clone by stock: our leaf / stock's server",
                cloning(bench.stock, our_server), cloning(bench.stock, stock_server), runs, wall_max=0.8)
            after = our_server.processor_s(), stock_server.processor_s()
            bench.must_equal(target[bench.stock], bench.repo)
            # What no server can take from it: the client derives its tables when the last byte is there.
            floor = bench.stock.rebuild(target[bench.stock])
            row.note = (f"of it the client's own processor time {row.ours.cpu_s:.2f} s and {row.stock.cpu_s:.2f} s, "
                        f"{floor.cpu_s:.2f} s of that a rebuild")
            yield row
            yield Row(
                "of it the server's processor time",
                *(Sample((b - a) / runs, 0, 0, "") for a, b in zip(before, after)), wall_max=0.8)
            yield Row(
                "clone by us from our leaf", interleave(runs, cloning(bench.ours, our_server), None)[0],
                rss_kb_max=bench.rss_kb_max)
    yield Row(
        "memory of the server after these clones",
        Sample(0, 0, our_server.rss_kb, ""), Sample(0, 0, stock_server.rss_kb, ""), rss_kb_max=bench.rss_kb_max)


def clone_manifests(bench):
    """A clone whose texts are far larger than what is stored: each check-in has a manifest of hundreds of files."""
    source = bench.path("manifests.fossil")
    bench.stock.capture("new", source)
    open_to_all(source)
    text_bytes = fill(source)
    target = {peer: bench.path(f"manifests-{peer.name}.fossil") for peer in (bench.ours, bench.stock)}

    def cloning(peer, server):
        def once():
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(target[peer] + suffix):
                    os.remove(target[peer] + suffix)
            return peer.clone(server.url, target[peer])
        return once

    with bench.stock.serve(source) as server:
        yield bench.pair(
            f"clone of {2 * CHECK_INS:,} artifacts with manifests of {FILES} files ({text_bytes / 1e9:.1f} GB of text)",
            cloning(bench.ours, server), cloning(bench.stock, server), 3, wall_max=0.45, rss_max=1.0)
        bench.must_equal(target[bench.ours], source)
        bench.must_equal(target[bench.stock], source)


def pull(bench):
    """Nothing to be had: what an exchange costs by itself, with stock's server and with each side's own."""
    repos = {peer: copy(bench.repo, bench.path(f"pull-{peer.name}.fossil")) for peer in (bench.ours, bench.stock)}
    runs = 3 * bench.runs
    with bench.stock.serve(copy(bench.repo, bench.path("served.fossil"))) as server:
        for peer, repo in repos.items():
            peer.pull(server.url, repo)
        row = bench.pair(
            "pull of nothing",
            lambda: bench.ours.pull(server.url, repos[bench.ours]),
            lambda: bench.stock.pull(server.url, repos[bench.stock]), runs, wall_max=0.5, rss_kb_max=bench.rss_kb_max)
        # The part that the client does not decide: from a connection to the first byte of the reply.
        row.note = f"of it stock's server {1000 * statistics.median(bare_pull_s(server.url, bench.repo) for _ in range(runs)):.1f} ms"
        yield row
        with bench.ours.serve(copy(bench.repo, bench.path("served-by-ours.fossil"))) as our_server:
            bench.ours.pull(our_server.url, repos[bench.ours])
            row = bench.pair(
                "pull of nothing from one's own server",
                lambda: bench.ours.pull(our_server.url, repos[bench.ours]),
                lambda: bench.stock.pull(server.url, repos[bench.stock]), runs, wall_max=0.5)
            row.note = f"of it our leaf {1000 * statistics.median(bare_pull_s(our_server.url, bench.repo) for _ in range(runs)):.1f} ms"
            yield row


def push_one(bench):
    """A commit of one file, then the push of it to a server that was pushed to before."""
    change = bench.path("pushed.txt")
    with open(change, "w", encoding="ascii") as file:
        file.write("one line more\n")

    def pushing(peer):
        def once():
            source = copy(bench.repo, bench.path(f"push-from-{peer.name}.fossil"))
            served = copy(bench.repo, bench.path(f"push-to-{peer.name}.fossil"))
            with bench.stock.serve(served) as server:
                peer.push(server.url, source)
                bench.ours.capture("repo", "ci", "pushed.txt", "-m", "one more", "-R", source, cwd=os.path.dirname(change))
                sample = peer.push(server.url, source)
            bench.must_equal(served, source)
            return sample
        return once

    yield bench.pair("push of one commit", pushing(bench.ours), pushing(bench.stock), 2 * bench.runs, wall_max=0.5)
    sources = {peer: copy(bench.repo, bench.path(f"nothing-from-{peer.name}.fossil")) for peer in (bench.ours, bench.stock)}
    with bench.stock.serve(copy(bench.repo, bench.path("nothing-to.fossil"))) as server:
        for peer, source in sources.items():
            peer.push(server.url, source)
        yield bench.pair(
            "push of nothing",
            lambda: bench.ours.push(server.url, sources[bench.ours]),
            lambda: bench.stock.push(server.url, sources[bench.stock]), 3 * bench.runs, wall_max=0.5)


def push_all(bench):
    """The whole history into an empty repository; stock needs minutes for it on a large one, so that is run once."""
    tries = {peer: 0 for peer in (bench.ours, bench.stock)}

    def pushing(peer, host):
        def once():
            source = copy(bench.repo, bench.path("whole-from.fossil"))
            served = empty_twin(bench.stock, bench.repo, bench.path("whole-to.fossil"))
            want = artifact_set(source)[0]
            sample = Sample(0, 0, 0, "")
            with host.serve(served) as server:
                # Stock may give up half way (a limit of rounds, a 400 of its own server): then it goes on in a new run.
                have, idle = 0, 0
                for count in range(1, PUSHES_MAX + 1):
                    part = peer.push_some(server.url, source)
                    sample = Sample(
                        sample.wall_s + part.wall_s, sample.cpu_s + part.cpu_s, max(sample.rss_kb, part.rss_kb), "")
                    before, have = have, stored_count(served)
                    idle = idle + 1 if have == before else 0
                    if idle == IDLE_PUSHES_MAX:
                        break
                    if have >= want:
                        tries[peer] = max(tries[peer], count)
                        return sample
            raise Failed(
                f"{want - have} of {want} artifacts did not arrive in {count} pushes; the last said: "
                f"{part.output.strip()[-200:]}")
        return once

    runs = 1 if bench.is_large else max(3, bench.runs // 2)
    stock, notes = pushing(bench.stock, bench.stock), ["once"] if runs == 1 else []
    try:
        stock()
    except Failed:
        # Our own push to the same server is measured all the same.
        stock, notes = None, notes + ["stock's own push does not get through"]
    ours, theirs = interleave(runs, pushing(bench.ours, bench.stock), stock)
    row = Row("push of the whole history to a stock server", ours, theirs, wall_s_max=15.0, rss_kb_max=bench.rss_kb_max)
    if tries[bench.stock] > 1:
        notes.append(f"stock in {tries[bench.stock]} runs")
    row.note = ", ".join(notes)
    yield row
    yield Row(
        "push of the whole history to our leaf", interleave(runs, pushing(bench.ours, bench.ours), None)[0],
        rss_kb_max=bench.rss_kb_max,
        note=f"{os.path.getsize(bench.path('whole-to.fossil')) / 1e6:.1f} MB there, {os.path.getsize(bench.repo) / 1e6:.1f} MB here")


def rebuild(bench):
    repos = {peer: copy(bench.repo, bench.path(f"rebuild-{peer.name}.fossil")) for peer in (bench.ours, bench.stock)}
    yield bench.pair(
        "rebuild", lambda: bench.ours.rebuild(repos[bench.ours]), lambda: bench.stock.rebuild(repos[bench.stock]),
        wall_max=0.6, rss_kb_max=bench.rss_kb_max)


def verify(bench):
    runs = 3 if bench.is_large else bench.runs
    yield bench.pair(
        "verify / test-integrity", lambda: bench.ours.verify(bench.repo), lambda: bench.stock.verify(bench.repo), runs,
        wall_max=0.8, rss_kb_max=bench.rss_kb_max)


def reading(bench):
    name, depth = deepest_delta(bench.repo)
    runs = 3 * bench.runs
    yield bench.pair("ls tip", lambda: bench.ours.ls(bench.repo), lambda: bench.stock.ls(bench.repo), runs, wall_max=0.8)
    yield bench.pair(
        "timeline, 20 entries", lambda: bench.ours.timeline(bench.repo), lambda: bench.stock.timeline(bench.repo), runs,
        wall_max=0.8)
    yield bench.pair(
        f"cat of the deepest delta ({depth} links)",
        lambda: bench.ours.cat(bench.repo, name), lambda: bench.stock.cat(bench.repo, name), runs, wall_max=0.8)


def commit(bench):
    """One changed file in a tree of 1,000."""
    base, tree = bench.path("thousand.fossil"), bench.path("tree-thousand")
    bench.stock.capture("new", base)
    open_to_all(base)
    bench.stock.open_tree(base, tree)
    for i in range(1000):
        folder = os.path.join(tree, f"folder{i // 50}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"file{i}.txt"), "w", encoding="ascii") as file:
            file.writelines(f"line {n} of file {i}\n" for n in range(80))
    bench.stock.capture("add", ".", cwd=tree)
    bench.stock.capture("commit", "--no-warnings", "-m", "a thousand files", cwd=tree)
    bench.stock.capture("close", "--force", cwd=tree)
    trees, repos, count = {}, {}, {"n": 0}
    for peer in (bench.ours, bench.stock):
        repos[peer] = copy(base, bench.path(f"thousand-{peer.name}.fossil"))
        trees[peer] = bench.path(f"tree-thousand-{peer.name}")
        peer.open_tree(repos[peer], trees[peer])

    def committing(peer):
        def once():
            count["n"] += 1
            name = os.path.join("folder7", "file351.txt")
            with open(os.path.join(trees[peer], name), "a", encoding="ascii") as file:
                file.write(f"edit {count['n']}\n")
            return peer.commit(repos[peer], trees[peer], name, f"edit {count['n']}")
        return once

    yield bench.pair(
        "commit of one file in a tree of 1,000", committing(bench.ours), committing(bench.stock), 2 * bench.runs,
        wall_max=0.8)


def importing(bench):
    """A folder of 100,000 new files in one commit. Stock has to add them first; half as many show whether time grows with their number."""
    trees = {}
    for count in (IMPORTED_FILES // 2, IMPORTED_FILES):
        trees[count] = bench.path(f"import-{count}")
        for i in range(count):
            folder = os.path.join(trees[count], f"folder{i // 500}")
            if i % 500 == 0:
                os.makedirs(folder)
            with open(os.path.join(folder, f"file{i}.txt"), "w", encoding="ascii") as file:
                file.write(f"file {i}\nof {count}\n")

    def by(peer, count):
        def once():
            repo = bench.path(f"import-{peer.name}.fossil")
            for suffix in ("", "-wal", "-shm"):
                if os.path.exists(repo + suffix):
                    os.remove(repo + suffix)
            bench.stock.capture("new", repo)
            open_to_all(repo)
            return peer.import_tree(repo, trees[count])
        return once

    row = bench.pair(
        f"import of {IMPORTED_FILES:,} new files in one commit", by(bench.ours, IMPORTED_FILES), by(bench.stock, IMPORTED_FILES), 3,
        wall_max=0.5)
    half, _ = interleave(3, by(bench.ours, IMPORTED_FILES // 2), None)
    row.note = f"half as many: {half.wall_s:.2f} s by us"
    yield row
    yield Row(
        "of it the second half / the first", Sample(row.ours.wall_s - half.wall_s, 0, 0, ""), Sample(half.wall_s, 0, 0, ""), wall_max=1.5)


def idle(bench):
    import time
    with bench.ours.serve(copy(bench.repo, bench.path("idle.fossil"))) as server:
        time.sleep(2)
        resident = server.resident_kb()
    yield Row("memory of an idle leaf", Sample(0, 0, resident, ""), rss_kb_max=45 * 1024)


CASES = {
    "start": start, "clone": clone, "clone-manifests": clone_manifests, "pull": pull, "push-one": push_one, "push-all": push_all, "rebuild": rebuild,
    "verify": verify, "reading": reading, "commit": commit, "import": importing, "idle": idle,
}

# What an earlier file of ours is measured with as well: commands that it has.
EARLIER = {"start", "clone", "pull", "push-one", "rebuild", "verify", "reading", "commit", "idle"}
