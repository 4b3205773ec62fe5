#!/usr/bin/env python3
"""Two mirrored asset stores as programs, longer than the test command allows; see scripts/mirror.sh."""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "scripts", "bench"))

from measure import free_port  # noqa: E402
from stores import Store  # noqa: E402

LARGE_BYTES = 2 << 30
SMALL = 10_000
SMALL_DISK_MB = 160
BURST_BYTES = (1 << 10, 64 << 10, 1 << 20, 5 << 20, (12 << 20) + 7)
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
    """Two machines: this program is in the first one's network, the value enters the second one's."""
    other = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE)
    other.stdout.readline()
    enter = ["nsenter", "-t", str(other.pid), "-n"]
    try:
        for command in (["ip", "link", "set", "lo", "up"],
                        ["ip", "link", "add", "one", "type", "veth", "peer", "name", "two", "netns", str(other.pid)],
                        ["ip", "address", "add", "10.77.0.1/24", "dev", "one"], ["ip", "link", "set", "one", "up"],
                        [*enter, "ip", "link", "set", "lo", "up"],
                        [*enter, "ip", "address", "add", "10.77.0.2/24", "dev", "two"],
                        [*enter, "ip", "link", "set", "two", "up"]):
            subprocess.run(command, check=True)
        yield enter
    finally:
        other.kill()
        other.wait()
        subprocess.run(["ip", "link", "delete", "one"], stderr=subprocess.DEVNULL, check=False)


def agents(binary, work):
    """The published scenarios of the original, then each program is killed in a burst."""
    if os.geteuid() != 0:
        say("  SKIPPED: networks can be made by root alone")
        return
    if os.environ.get("EDGESYNC_MIRROR_NETWORK") != "own":
        own = ["unshare", "--net", sys.executable, os.path.abspath(__file__), "agents"]
        if subprocess.run(own, env={**os.environ, "EDGESYNC_MIRROR_NETWORK": "own"}, check=False).returncode:
            raise SystemExit("FAILED: agents")
        return
    say("two services and two agents, on two machines")
    ticket = os.path.join(work, "ticket")
    with networks() as enter:
        one = AgentStore(binary, os.path.join(work, "one"), [], "127.0.0.1", f"ticket_file: {ticket}\n")
        two = AgentStore(binary, os.path.join(work, "two"), enter, "10.77.0.2", f"connect_ticket_file: {ticket}\n")
        try:
            one.start()
            two.start()
            stored = set()

            def burst(store, count):
                for i in range(count):
                    path = os.path.join(work, f"file of {os.path.basename(store.folder)}")
                    with open(path, "wb") as file:
                        file.write(os.urandom(BURST_BYTES[i % len(BURST_BYTES)]))
                    stored.add(store.put_file(path))

            def equal():
                return one.hashes() == two.hashes() == stored

            for what, steps in (("one asset there", [(one, 1)]), ("one asset back", [(two, 1)]),
                                ("25 there", [(one, 25)]), ("25 back", [(two, 25)]),
                                ("25 on each side at once", [(one, 25), (two, 25)])):
                with ThreadPoolExecutor(2) as clients:
                    list(clients.map(lambda step: burst(*step), steps))
                until(what, equal)
                say(f"  {what}: all {len(stored)} are at both")
            require("all 102 have their contents", len(stored) == 102
                    and all(one.sha256(asset) == two.sha256(asset) for asset in stored))
            for store, name in ((one, "process"), (one, "agent"), (two, "process"), (two, "agent")):
                burst(one if store is two or name == "agent" else two, 10)
                store.kill(name)
                store.start()
                until("all come after a kill", equal)
            require(f"each program was killed once: all {len(stored)} are at both",
                    all(one.sha256(asset) == two.sha256(asset) for asset in stored))
        finally:
            one.end()
            two.end()


def main():
    parts = {"small": small_assets, "large": large_asset, "disk": full_disk, "agents": agents}
    parser = argparse.ArgumentParser(prog="scripts/mirror.sh", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="small, large, disk or agents (default: all)")
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
