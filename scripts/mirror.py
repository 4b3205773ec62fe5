#!/usr/bin/env python3
"""Two mirrored asset stores as programs, longer than the test command allows; see scripts/mirror.sh."""

import argparse
import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "scripts", "bench"))

from link import Link, PROFILES  # noqa: E402
from measure import free_port  # noqa: E402
from stores import Store  # noqa: E402

LARGE_BYTES = 2 << 30
HUGE_BYTES = (4 << 30) + (5 << 20) + 7
PIECE_BYTES = 1 << 20
SMALL = 10_000
SMALL_DISK_MB = 160
BURST_BYTES = (1 << 10, 64 << 10, 1 << 20, 5 << 20, (12 << 20) + 7)
# 102 assets of these are a megabyte.
LINK_BURST_BYTES = (100, 1 << 10, 4 << 10, 16 << 10, (28 << 10) + 7)
LINKS = ("lte", "3g", "edge", "rural", "sat", "worst")
LINK_ADDRESSES = ("10.78.0.1", "10.78.0.2")
SEED = 20261129
MEMORY_MB_MAX = 64
WAIT_S = 900


def say(text):
    print(text, file=sys.stderr, flush=True)


class ProvenStore(Store):
    """Its assets are compared."""

    def status(self):
        return self.get("/status")

    def put(self, content):
        request = urllib.request.Request(
            self.url + "/api/v1/can/0/ingest/data", data=json.dumps({"data": content}).encode(),
            headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)["data"]["hash"]

    def hashes(self):
        found, cursor = set(), ""
        while True:
            with urllib.request.urlopen(f"{self.url}/api/v1/can/0/list?limit=1000{cursor}", timeout=60) as reply:
                page = json.load(reply)["data"]
            found |= {item["hash"] for item in page["items"]}
            if not page["pagination"].get("next"):
                return found
            cursor = f"&cursor={page['pagination']['next']}"

    def sha256(self, asset):
        digest = hashlib.sha256()
        with urllib.request.urlopen(f"{self.url}/api/v1/can/0/asset/{asset}", timeout=600) as reply:
            while piece := reply.read(1 << 20):
                digest.update(piece)
        return digest.hexdigest()

    def part(self, asset):
        """Bytes of it that have come and are not an asset yet."""
        path = os.path.join(self.folder, "data", ".partial", asset)
        return os.path.getsize(path) if os.path.exists(path) else 0

    def memory_mb(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss_Anon:")) / 1024


def until(what, holds, step=0.1):
    end = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: {what}")
        time.sleep(step)


def require(what, holds):
    if not holds:
        raise SystemExit(f"FAILED: {what}")
    say(f"  {what}")


@contextlib.contextmanager
def pair(binary, work):
    ticket = os.path.join(work, "ticket")
    one = ProvenStore(binary, os.path.join(work, "one"), f"ticket_file: {ticket}\n")
    two = ProvenStore(binary, os.path.join(work, "two"), f"connect_ticket_file: {ticket}\n")
    try:
        yield one, two
    finally:
        one.end()
        two.end()


def small_assets(binary, work):
    say(f"{SMALL:,} small assets from 32 clients; each side is killed once meanwhile")
    with pair(binary, work) as (one, two):
        one.start()
        two.start()
        with ThreadPoolExecutor(32) as clients:
            puts = [clients.submit(one.put, f"asset {i} " * 20) for i in range(SMALL)]
            until("a third has come", lambda: two.status()["assets"] > SMALL // 3)
            two.end(kills=True)
            two.start()
            stored = {put.result() for put in puts}
        one.end(kills=True)
        one.start()
        until("all come", lambda: two.status()["assets"] == SMALL and two.status()["mirror"]["missing"] == 0)
        require(f"all {SMALL:,} are at both", one.hashes() == two.hashes() == stored)


def large_asset(binary, work):
    say(f"one asset of {LARGE_BYTES >> 20} MiB; the receiver is killed in mid-transfer, then the sender")
    path = os.path.join(work, "large")
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for _ in range(LARGE_BYTES >> 20):
            piece = os.urandom(1 << 20)
            digest.update(piece)
            file.write(piece)
    with pair(binary, work) as (one, two):
        one.start()
        two.start()
        until("they meet", lambda: two.status()["mirror"]["peers"])
        idle = [store.memory_mb() for store in (one, two)]
        asset = one.put_file(path)
        os.remove(path)
        until("a third has come", lambda: two.part(asset) > LARGE_BYTES // 3, 0.01)
        two.end(kills=True)
        kept = two.part(asset)
        two.start()
        until("it goes on", lambda: two.part(asset) > kept + LARGE_BYTES // 8, 0.01)
        used = [store.memory_mb() - before for store, before in zip((one, two), idle)]
        again = two.part(asset)
        require("what had come was kept", kept > LARGE_BYTES // 4)
        one.end(kills=True)
        require("the receiver has no asset yet", two.status()["assets"] == 0)
        require("what had come is kept while the sender is away", two.part(asset) >= again)
        one.start()
        until("all of it comes", lambda: two.status()["assets"] == 1, 1)
        require("it is the same", two.sha256(asset) == digest.hexdigest() == one.sha256(asset))
        require(f"memory above idle {max(used):.0f} MB, of {MEMORY_MB_MAX}", max(used) <= MEMORY_MB_MAX)


def piece(index):
    """A part of a file that need not be kept: it can be made again."""
    return random.Random(index).randbytes(PIECE_BYTES)


def part_of(begin, end):
    """Bytes of the huge file."""
    first = begin // PIECE_BYTES
    content = b"".join(piece(i) for i in range(first, (end - 1) // PIECE_BYTES + 1))
    return content[begin - first * PIECE_BYTES:end - first * PIECE_BYTES]


def ask(store, asset, method="GET", **headers):
    """The reply, read to its end, whatever its status is."""
    request = urllib.request.Request(
        f"{store.url}/api/v1/can/0/asset/{asset}", method=method,
        headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        reply = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as refusal:
        reply = refusal
    with reply:
        return reply.status, reply.headers, reply.read()


def huge_ranges(store, asset):
    """What clients ask for beyond the numbers of 32 bits."""
    size, edge = HUGE_BYTES, 1 << 32
    for asked, begin, end in ((f"{edge - 5}-{edge + 4}", edge - 5, edge + 5), (f"{edge}-{edge + 1}", edge, edge + 2),
                              (f"{size - 9}-", size - 9, size), ("-11", size - 11, size),
                              (f"{edge - 1}-{size + 5}", edge - 1, size)):
        status, headers, body = ask(store, asset, Range=f"bytes={asked}")
        found = status, headers["Content-Range"], body
        if found != (206, f"bytes {begin}-{end - 1}/{size}", part_of(begin, end)):
            raise SystemExit(f"FAILED: bytes={asked} is {found[:2]}, {len(body)} bytes")
    require("nothing is behind its end", ask(store, asset, Range=f"bytes={size}-")[0] == 416)
    status, headers, _ = ask(store, asset, "HEAD")
    tag = headers["ETag"]
    require("HEAD says its length and tag", (status, headers["Content-Length"], tag) == (200, str(size), f'"{asset}"'))
    require("the tag is known", ask(store, asset, If_None_Match=tag)[0] == 304)
    require("a range of another tag is not given",
            ask(store, asset, "HEAD", Range="bytes=0-1", If_Range='"x"')[0] == 200)


def huge_asset(binary, work):
    missing = 3 * HUGE_BYTES + (1 << 30) - shutil.disk_usage(work).free
    if missing > 0:
        say(f"  SKIPPED: {missing / 1e9:.1f} GB more are needed on the disk of {work}")
        return
    say(f"one asset of {HUGE_BYTES:,} bytes; the receiver is killed in mid-transfer")
    path = os.path.join(work, "huge")
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for at in range(0, HUGE_BYTES, PIECE_BYTES):
            content = piece(at // PIECE_BYTES)[:HUGE_BYTES - at]
            digest.update(content)
            file.write(content)
    with pair(binary, work) as (one, two):
        one.start()
        two.start()
        until("they meet", lambda: two.status()["mirror"]["peers"])
        idle, peak = {store: store.memory_mb() for store in (one, two)}, {one: 0, two: 0}
        two.end()

        def used(*stores):
            for store in stores:
                peak[store] = max(peak[store], store.memory_mb() - idle[store])
            return True

        begin = time.monotonic()
        with ThreadPoolExecutor(1) as client:
            put = client.submit(one.put_file, path)
            until("it is stored", lambda: used(one) and put.done())
            asset = put.result()
        say(f"  stored in {time.monotonic() - begin:.0f} s")
        os.remove(path)
        huge_ranges(one, asset)
        require(f"memory of an upload above idle {peak[one]:.0f} MB, of {MEMORY_MB_MAX}", peak[one] <= MEMORY_MB_MAX)
        begin = time.monotonic()
        two.start()
        until("more than a third has come", lambda: used(one) and two.part(asset) > HUGE_BYTES // 3)
        two.end(kills=True)
        kept = two.part(asset)
        require(f"{kept / 1e9:.2f} GB were kept", kept > HUGE_BYTES // 4)
        two.start()
        # Not from its start on: a store stretches its passphrase then, which takes 64 MB for a moment.
        until("it goes on", lambda: two.part(asset) > kept + HUGE_BYTES // 8)
        until("all of it comes", lambda: used(one, two) and two.status()["assets"] == 1)
        say(f"  mirrored in {time.monotonic() - begin:.0f} s, with the interruption")
        huge_ranges(two, asset)
        require("it is the same", two.sha256(asset) == digest.hexdigest() == one.sha256(asset))
        require(f"memory above idle {peak[one]:.0f} and {peak[two]:.0f} MB, of {MEMORY_MB_MAX}",
                max(peak.values()) <= MEMORY_MB_MAX)


def full_disk(binary, work):
    say(f"a receiver with a disk of {SMALL_DISK_MB} MB")
    with pair(binary, work) as (one, two):
        disk = os.path.join(two.folder, "data")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m", "none", disk],
                                 stderr=subprocess.DEVNULL, check=False)
        if mounted.returncode != 0:
            say("  SKIPPED: a file system can be mounted by root alone")
            return
        try:
            one.start()
            two.start()
            path = os.path.join(work, "too-large")
            with open(path, "wb") as file:
                file.write(os.urandom(SMALL_DISK_MB << 20))
            large = one.put_file(path)
            small = one.put("small")
            until("the small one comes", lambda: small in two.hashes())
            require("the large one does not", large not in two.hashes())
            require("room is left", shutil.disk_usage(disk).free > 32 << 20)
            two.end(kills=True)
            two.start()
            until("both are there after a restart", lambda: two.hashes() == {small})
            subprocess.run(["mount", "-o", f"remount,size={4 * SMALL_DISK_MB}m", disk], check=True)
            until("the large one comes when there is room", lambda: two.hashes() == {small, large}, 1)
            require("it is the same", two.sha256(large) == one.sha256(large))
            two.end()
        finally:
            two.end(kills=True)
            subprocess.run(["umount", disk], check=True)


class AgentStore(ProvenStore):
    """A service that does not mirror itself, and an agent beside it, in a network of their own."""

    def __init__(self, binary, folder, enter, address, settings):
        self.binary, self.folder, self.enter = binary, folder, enter
        self.port, self.process, self.agent = free_port(), None, None
        self.url = f"http://{address}:{self.port}"
        os.makedirs(os.path.join(folder, "data"))
        with open(os.path.join(folder, "config.yaml"), "w", encoding="utf-8") as file:
            file.write(f"storage_root: data\nverify_interval_hours: 0\nbind_address: '*'\nport: {self.port}\n"
                       "sync_api_key: only for proofs\n")
        with open(os.path.join(folder, "agent.yaml"), "w", encoding="utf-8") as file:
            file.write(f"can_service_url: http://127.0.0.1:{self.port}\nsync_api_key: only for proofs\n"
                       f"sync_passphrase: only for proofs\nsync_discovery: off\n{settings}")

    def run(self, *command):
        with open(os.path.join(self.folder, "log"), "a", encoding="utf-8") as log:
            return subprocess.Popen([*self.enter, self.binary, "can", *command], cwd=self.folder,
                                    stdout=log, stderr=log)

    def start(self):
        if self.process is None:
            self.process = self.run("serve")
            until("the service answers", self.answers)
        if self.agent is None:
            self.agent = self.run("sync", "agent.yaml")

    def answers(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(self.url + "/healthz", timeout=5).status == 200
        return False

    def kill(self, name):
        """One of the two programs: `process` or `agent`."""
        getattr(self, name).kill()
        getattr(self, name).wait()
        setattr(self, name, None)

    def end(self, kills=False):
        for name in ("agent", "process"):
            if (program := getattr(self, name)) is not None:
                program.kill() if kills else program.terminate()
                program.wait()
                setattr(self, name, None)


@contextlib.contextmanager
def networks():
    """Two machines: this program is in the first one's network, the value is a process in the second one's."""
    other = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
    other.stdout.readline()
    enter = entering(other.pid)
    try:
        for command in (["ip", "link", "set", "lo", "up"],
                        ["ip", "link", "add", "one", "type", "veth", "peer", "name", "two", "netns", str(other.pid)],
                        ["ip", "address", "add", "10.77.0.1/24", "dev", "one"], ["ip", "link", "set", "one", "up"],
                        [*enter, "ip", "link", "set", "lo", "up"],
                        [*enter, "ip", "address", "add", "10.77.0.2/24", "dev", "two"],
                        [*enter, "ip", "link", "set", "two", "up"]):
            subprocess.run(command, check=True)
        yield other.pid
    finally:
        other.kill()
        other.wait()
        subprocess.run(["ip", "link", "delete", "one"], stderr=subprocess.DEVNULL, check=False)


def entering(pid):
    return ["nsenter", "-t", str(pid), "-n"]


def is_in_own_network(part):
    """Else the part was skipped, or ran in a program that has one."""
    if os.geteuid() != 0:
        say("  SKIPPED: networks can be made by root alone")
        return False
    if os.environ.get("EDGESYNC_MIRROR_NETWORK") == "own":
        return True
    own = ["unshare", "--net", sys.executable, os.path.abspath(__file__), part]
    if subprocess.run(own, env={**os.environ, "EDGESYNC_MIRROR_NETWORK": "own"}, check=False).returncode:
        raise SystemExit(f"FAILED: {part}")
    return False


class TwoMachines:
    """A service and an agent on each, and what was stored in both."""

    def __init__(self, binary, work, other_pid, settings=("", "")):
        self.work, self.stored = work, set()
        ticket = os.path.join(work, "ticket")
        self.one = AgentStore(binary, os.path.join(work, "one"), [], "127.0.0.1",
                              f"ticket_file: {ticket}\n{settings[0]}")
        self.two = AgentStore(binary, os.path.join(work, "two"), entering(other_pid), "10.77.0.2",
                              f"connect_ticket_file: {ticket}\n{settings[1]}")

    def __enter__(self):
        self.one.start()
        self.two.start()
        return self

    def __exit__(self, *_):
        self.one.end()
        self.two.end()

    def burst(self, store, count, sizes=BURST_BYTES):
        for i in range(count):
            path = os.path.join(self.work, f"file of {os.path.basename(store.folder)}")
            with open(path, "wb") as file:
                file.write(os.urandom(sizes[i % len(sizes)]))
            self.stored.add(store.put_file(path))

    def are_equal(self):
        return self.one.hashes() == self.two.hashes() == self.stored

    def scenarios(self, sizes=BURST_BYTES):
        """The published ones of the original; yields each with its seconds."""
        one, two = self.one, self.two
        for what, steps in (("one asset there", [(one, 1)]), ("one asset back", [(two, 1)]),
                            ("25 there", [(one, 25)]), ("25 back", [(two, 25)]),
                            ("25 on each side at once", [(one, 25), (two, 25)])):
            begin = time.monotonic()
            with ThreadPoolExecutor(2) as clients:
                list(clients.map(lambda step: self.burst(*step, sizes), steps))
            until(what, self.are_equal)
            yield what, time.monotonic() - begin
        require("all 102 have their contents", len(self.stored) == 102 and self.have_equal_contents())

    def have_equal_contents(self):
        return all(self.one.sha256(asset) == self.two.sha256(asset) for asset in self.stored)


def agents(binary, work):
    """The published scenarios of the original, then each program is killed in a burst."""
    if not is_in_own_network("agents"):
        return
    say("two services and two agents, on two machines")
    with networks() as other, TwoMachines(binary, work, other) as machines:
        one, two = machines.one, machines.two
        for what, _ in machines.scenarios():
            say(f"  {what}: all {len(machines.stored)} are at both")
        for store, name in ((one, "process"), (one, "agent"), (two, "process"), (two, "agent")):
            machines.burst(one if store is two or name == "agent" else two, 10)
            store.kill(name)
            store.start()
            until("all come after a kill", machines.are_equal)
        require(f"each program was killed once: all {len(machines.stored)} are at both",
                machines.have_equal_contents())


def links(binary, work):
    """The same scenarios with a megabyte, over bad links. Requests of this program go over another one."""
    if not is_in_own_network("links"):
        return
    if not os.path.exists("/dev/net/tun"):
        say("  SKIPPED: there is no /dev/net/tun, which links are made of")
        return
    for profile in (profile for profile in PROFILES if profile.name in LINKS):
        say(f"{profile.name}: {profile.megabits_s} Mbit/s, {profile.round_trip_ms} ms, {profile.loss:.1%} lost")
        with networks() as other:
            link = Link(profile, [f"{address}/24" for address in LINK_ADDRESSES], other, SEED)
            try:
                folder = os.path.join(work, profile.name)
                os.makedirs(folder)
                settings = [f"sync_bind: {address}:0\n" for address in LINK_ADDRESSES]
                begin = time.monotonic()
                with TwoMachines(binary, folder, other, settings) as machines:
                    for what, seconds in machines.scenarios(LINK_BURST_BYTES):
                        say(f"  {what}: {seconds:.1f} s")
                say(f"  {profile.name}: {time.monotonic() - begin:.0f} s; "
                    f"{link.lost} of {link.packets} packets were lost")
            finally:
                link.close()


def main():
    parts = {"small": small_assets, "large": large_asset, "huge": huge_asset, "disk": full_disk, "agents": agents,
             "links": links}
    parser = argparse.ArgumentParser(prog="scripts/mirror.sh", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART",
                        help="small, large, huge, disk, agents or links (default: all)")
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in parts]:
        parser.error(f"{unknown[0]} is not a part: {', '.join(parts)}")
    binary = os.path.abspath(os.environ.get("EDGESYNC_BIN", os.path.join(ROOT, "bin", "edgesync")))
    for name in options.parts or parts:
        with tempfile.TemporaryDirectory() as work:
            begin = time.monotonic()
            parts[name](binary, work)
            say(f"  {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
