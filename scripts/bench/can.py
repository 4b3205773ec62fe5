#!/usr/bin/env python3
"""Asset stores over loopback, beside rsync, syncthing, plain files and ImageMagick; see scripts/bench.sh."""

import argparse
import collections
import contextlib
import hashlib
import http.client
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Failed, free_port, processor_s  # noqa: E402
from report import machine, write  # noqa: E402
from stores import Store  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = "Assets and their mirror"
LARGE_BYTES = 128 << 20
SMALL = 3000
UPLOADS = 200
INGESTED = 10_000
MANY = 100_000
SEARCHES = 200
RESUMED_BYTES = 512 << 20
PICTURES = 12
SEARCH_MS_MAX = 20
STEADY_S = 5
MB_S_MIN = 150
VISIBLE_MS_MAX = 200


def say(text):
    print(text, file=sys.stderr, flush=True)


class MeasuredStore(Store):
    """It is served at once."""

    def __init__(self, binary, folder, settings):
        super().__init__(binary, folder, settings)
        self.start()

    def put(self, content):
        boundary = "----figures"
        body = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n').encode()
        request = urllib.request.Request(
            self.url + "/api/v1/can/0/ingest", data=body + content + f"\r\n--{boundary}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
        with urllib.request.urlopen(request, timeout=600) as reply:
            return json.load(reply)["data"]["hash"]

    def wait_for(self, assets, timeout=600):
        end = time.monotonic() + timeout
        while (status := self.get("/status"))["assets"] < assets or status["mirror"]["missing"] > 0:
            if time.monotonic() > end:
                raise Failed(f"{assets} assets did not come: {status}")
            time.sleep(0.05)

    def arrivals(self, seen):
        """Notes when each asset is announced, until the stream ends."""
        with contextlib.suppress(OSError, ValueError):
            for line in urllib.request.urlopen(self.url + "/api/v1/can/0/events"):
                if line.startswith(b"data: "):
                    seen[json.loads(line[6:])["hash"]] = time.monotonic()


@contextlib.contextmanager
def pair(binary, work):
    """Two stores, which meet when `meet` is called."""
    ticket = os.path.join(work, "ticket")
    one = MeasuredStore(binary, os.path.join(work, "one"), f"ticket_file: {ticket}\n")
    two = MeasuredStore(binary, os.path.join(work, "two"), f"connect_ticket_file: {ticket}.read\n")
    try:
        yield one, two
    finally:
        for store in (one, two):
            store.end()


def meet(work, two):
    ticket = os.path.join(work, "ticket")
    os.replace(ticket, ticket + ".read")
    while not two.get("/status")["mirror"]["peers"]:
        time.sleep(0.01)
    return time.monotonic()


def fill(path, size=LARGE_BYTES):
    """Random bytes, on the disk before anything is measured."""
    with open(path, "wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))
        os.fsync(file.fileno())


def disk(work):
    """What the disk takes: the same bytes, written and flushed."""
    path = os.path.join(work, "disk")
    piece = os.urandom(1 << 20)
    begin = time.monotonic()
    with open(path, "wb") as file:
        for _ in range(2 * LARGE_BYTES >> 20):
            file.write(piece)
        os.fsync(file.fileno())
    took = time.monotonic() - begin
    os.remove(path)
    return 2 * LARGE_BYTES / 1e6 / took


def mirror(figures, binary, files):
    with tempfile.TemporaryDirectory() as work, pair(binary, work) as (one, two):
        for store, path in zip((one, two), files):
            store.put_file(path)
        say("a large asset each way at once")
        idle = [memory_mb(s.process.pid) for s in (one, two)]
        before = sum(processor_s(s.process.pid) for s in (one, two))
        begin = meet(work, two)
        for store in (one, two):
            store.wait_for(2)
        figures["both MB/s"].append(2 * LARGE_BYTES / 1e6 / (time.monotonic() - begin))
        after = sum(processor_s(s.process.pid) for s in (one, two))
        figures["s/GB"].append((after - before) / (2 * LARGE_BYTES / 1e9))
        figures["memory MB"].append(max(memory_mb(s.process.pid) - i for s, i in zip((one, two), idle)))

        say(f"{UPLOADS} uploads, one after the other")
        seen, puts = {}, {}
        threading.Thread(target=two.arrivals, args=(seen,), daemon=True).start()
        time.sleep(0.5)
        for i in range(UPLOADS):
            puts[one.put(f"upload {i}".encode())] = time.monotonic()
        two.wait_for(2 + UPLOADS)
        time.sleep(0.5)
        waits = sorted(max(0, seen[h] - at) * 1000 for h, at in puts.items() if h in seen)
        figures["visible p50"].append(waits[len(waits) // 2])
        figures["visible p99"].append(waits[len(waits) * 99 // 100])

        say(f"{SMALL} small uploads from 32 clients")
        begin = time.monotonic()
        with ThreadPoolExecutor(32) as clients:
            list(clients.map(lambda i: one.put(f"small {i} ".encode() * 100), range(SMALL)))
        figures["small put s"].append(time.monotonic() - begin)
        two.wait_for(2 + UPLOADS + SMALL)
        figures["small s"].append(time.monotonic() - begin)


def rsync(figures, files):
    """Both ways at once, through rsync's own server on loopback; each file is flushed."""
    say("rsync")
    with tempfile.TemporaryDirectory() as work:
        sides = [os.path.join(work, name) for name in ("one", "two")]
        for side, path in zip(sides, files):
            os.makedirs(side)
            os.link(path, os.path.join(side, os.path.basename(path)))
        port = free_port()
        with open(os.path.join(work, "conf"), "w", encoding="utf-8") as conf:
            conf.write("use chroot = no\n" + "".join(
                f"[{os.path.basename(side)}]\npath = {side}\nread only = no\nuid = root\n" for side in sides))
        server = subprocess.Popen(["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}",
                                   f"--config={work}/conf"])
        try:
            time.sleep(0.5)
            begin = time.monotonic()
            runs = [
                subprocess.Popen(
                    ["rsync", "-a", "--fsync", "--whole-file", side + "/", f"rsync://127.0.0.1:{port}/{other}/"])
                for side, other in zip(sides, ("two", "one"))]
            if any(run.wait() for run in runs):
                raise Failed("rsync failed")
            figures["rsync MB/s"].append(2 * LARGE_BYTES / 1e6 / (time.monotonic() - begin))
        finally:
            server.terminate()
            server.wait()


class Syncthing:
    """A device that knows one other, at a fixed address, and nothing else of the network."""

    def __init__(self, home, file):
        self.home, self.port, self.gui = home, free_port(), free_port()
        self.folder = os.path.join(home, "folder")
        os.makedirs(self.folder)
        os.link(file, os.path.join(self.folder, os.path.basename(file)))
        subprocess.run(
            ["syncthing", "generate", "--home", home], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        self.id = subprocess.run(["syncthing", "--home", home, "--device-id"], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout.strip()
        with open(os.path.join(home, "config.xml"), encoding="utf-8") as config:
            self.key = re.search("<apikey>(.*?)</apikey>", config.read()).group(1)
        self.process = None

    def start(self, other):
        with open(os.path.join(self.home, "config.xml"), "w", encoding="utf-8") as config:
            config.write(f"""<configuration version="36">
  <folder id="f" path="{self.folder}" type="sendreceive" rescanIntervalS="3600" fsWatcherEnabled="false">
    <device id="{self.id}"/><device id="{other.id}"/>
  </folder>
  <device id="{self.id}"><address>dynamic</address></device>
  <device id="{other.id}"><address>tcp://127.0.0.1:{other.port}</address><paused>true</paused></device>
  <gui enabled="true" tls="false"><address>127.0.0.1:{self.gui}</address><apikey>{self.key}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:{self.port}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><urAccepted>-1</urAccepted>
    <crashReportingEnabled>false</crashReportingEnabled><autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <reconnectionIntervalS>1</reconnectionIntervalS>
  </options>
</configuration>
""")
        self.process = subprocess.Popen(["syncthing", "serve", "--home", self.home, "--no-browser", "--no-restart",
                                         "--no-upgrade"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gui}/rest/{path}", data=None if body is None else json.dumps(body).encode(),
            method="GET" if body is None else "PATCH", headers={"X-API-Key": self.key})
        with urllib.request.urlopen(request, timeout=30) as reply:
            text = reply.read()
            return json.loads(text) if text else None

    def until(self, holds, timeout=300):
        end = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                if holds(self.ask("db/status?folder=f")):
                    return
            if time.monotonic() > end:
                raise Failed("syncthing is not done")
            time.sleep(0.05)


def syncthing(figures, files):
    """Both ways at once, from the moment at which the devices may connect; both have hashed their file before."""
    say("syncthing")
    with tempfile.TemporaryDirectory() as work:
        one, two = (Syncthing(os.path.join(work, name), file) for name, file in zip(("one", "two"), files))
        try:
            one.start(two)
            two.start(one)
            for device in (one, two):
                device.until(lambda state: state["state"] == "idle" and state["localFiles"] == 1)
            begin = time.monotonic()
            for device, other in ((one, two), (two, one)):
                device.ask(f"config/devices/{other.id}", {"paused": False})
            for device in (one, two):
                device.until(lambda state: state["localFiles"] == 2 and state["needBytes"] == 0)
            figures["syncthing MB/s"].append(2 * LARGE_BYTES / 1e6 / (time.monotonic() - begin))
        finally:
            for device in (one, two):
                if device.process is not None:
                    device.process.terminate()
                    device.process.wait()


def start(store):
    """Seconds until it is served."""
    begin = time.monotonic()
    store.start()
    return time.monotonic() - begin


def ingest(figures, binary):
    """Small assets by clients that cost little, beside the same number of files that are written and flushed."""
    with tempfile.TemporaryDirectory() as work:
        program = os.path.join(work, "ingest")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ingest.c")
        subprocess.run(["gcc", "-O2", "-pthread", "-o", program, source], check=True)

        def seconds(kind, target, count, threads):
            return float(subprocess.run([program, kind, target, str(count), str(threads), "1000"],
                                        stdout=subprocess.PIPE, text=True, check=True).stdout)

        store = MeasuredStore(binary, os.path.join(work, "store"), "")
        try:
            port = store.url.rsplit(":", 1)[1].strip("/")
            for threads, count, name in ((1, INGESTED // 10, "one"), (32, INGESTED, "all")):
                say(f"{count:,} assets of 1 KB by {threads} clients")
                before = processor_s(store.process.pid)
                figures[f"ingest {name}"].append(count / seconds("http", port, count, threads))
                figures[f"ingest us {name}"].append((processor_s(store.process.pid) - before) / count * 1e6)
                folder = os.path.join(work, name)
                os.makedirs(folder)
                figures[f"files {name}"].append(count / seconds("files", folder, count, threads))
        finally:
            store.end()


WORDS = ("anchor beacon cable deck engine ferry galley harbor inlet jetty keel ladder mast north ocean pier quay rudder "
         "sail tide umbra vessel wharf xebec yard zenith").split()


def lay(folder):
    """Files of assets as a store keeps them, with details."""
    for i in range(MANY):
        created = 1_700_000_000_000 + i * 1000
        content = f"asset {i} ".encode() * 50
        name = f"{created}_{hashlib.sha256(str(created).encode() + content).hexdigest()}.txt"
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(content)
        words = [WORDS[i * step % len(WORDS)] for step in (1, 7, 11)]
        for key, value in (("mime_type", "text/plain"), ("human_filename", f"{words[0]} {i}.txt"), ("tags", words[1]),
                           ("description", f"{words[2]} of the {words[0]}"), ("meta_updated_at", str(created))):
            os.setxattr(path, "user.can." + key, value.encode())


def own_network():
    return os.environ.get("EDGESYNC_BENCH_NETWORK") == "own"


class Wire(threading.Thread):
    """Counts the bytes of UDP on loopback: the mirror's, without our own requests."""

    def __init__(self):
        super().__init__(daemon=True)
        self.bytes = 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)   # SO_RCVBUFFORCE
        self.start()

    def run(self):
        head = bytearray(20)
        while True:
            # The length is the packet's, also of one that is cut into datagrams later; each passes twice.
            length, _, _, address = self._socket.recvmsg_into([head], 0, socket.MSG_TRUNC)
            if address[2] == socket.PACKET_OUTGOING and head[9] == socket.IPPROTO_UDP:
                self.bytes += length


def in_sync(stores, timeout=900):
    """When each has said so for a while: as long as stores read their files, equal parts of both are in sync, too."""
    end, since = time.monotonic() + timeout, None
    while since is None or time.monotonic() - since < STEADY_S:
        if not all([peer["is_in_sync"] for peer in store.get("/status")["mirror"]["peers"]] == [True] for store in stores):
            since = None
        elif since is None:
            since = time.monotonic()
        if time.monotonic() > end:
            raise Failed("the stores do not agree")
        time.sleep(0.1)
    return since


def many(figures, binary):
    """Two stores with equal assets: the first connection, the next one, and search in one of them."""
    wire = Wire()
    with tempfile.TemporaryDirectory() as work:
        ticket = os.path.join(work, "ticket")
        one = Store(binary, os.path.join(work, "one"), f"ticket_file: {ticket}\n")
        two = Store(binary, os.path.join(work, "two"), f"connect_ticket_file: {ticket}.read\n")
        try:
            say(f"{MANY:,} assets in each of two stores")
            for store in (one, two):
                lay(os.path.join(store.folder, "data"))
            figures["index s"].append(start(one))
            start(two)
            figures["start s"].append((one.end(), start(one))[1])
            search(figures, one)

            for name in ("first", "again"):
                say(f"they connect: {name}")
                before = wire.bytes
                begin = meet(work, two)
                figures[f"reconcile {name} s"].append(in_sync((one, two)) - begin)
                figures[f"reconcile {name} KB"].append((wire.bytes - before) / 1000)
                figures[f"memory {name} MB"].append(max(peak_mb(store) for store in (one, two)))
                for store in (one, two):
                    store.end()
                os.remove(ticket + ".read")
                if name == "first":
                    start(one)
                    start(two)
        finally:
            one.end()
            two.end()


def search(figures, store):
    say(f"{SEARCHES} searches")
    times = []
    connection = http.client.HTTPConnection("127.0.0.1", int(store.url.rsplit(":", 1)[1].strip("/")))
    for i in range(SEARCHES + 10):
        word, other = WORDS[i % len(WORDS)], WORDS[i * 5 % len(WORDS)]
        path = (f"search?q={word}", f"search?q={word}%20{other}", f"search?tags={word}&q={other}", f"list?tags={word}",
                f"search?q={word}%20{i * 461 % MANY}")[i % 5]
        begin = time.perf_counter()
        connection.request("GET", f"/api/v1/can/0/{path}")
        answer = connection.getresponse()
        page = json.loads(answer.read())
        if answer.status != 200 or page["status"] != "success":
            raise Failed(f"{path}: {page}")
        if i >= 10:
            times.append((time.perf_counter() - begin) * 1000)
    connection.close()
    times.sort()
    figures["search p50"].append(times[len(times) // 2])
    figures["search p99"].append(times[len(times) * 99 // 100])


def resume(figures, binary):
    """An asset whose receiver is killed in the middle: what crosses the wire beyond what was missing."""
    wire = Wire()
    with tempfile.TemporaryDirectory() as work, pair(binary, work) as (one, two):
        path = os.path.join(work, "large")
        fill(path, RESUMED_BYTES)
        say(f"{RESUMED_BYTES >> 20} MiB, broken off in the middle")
        asset = one.put_file(path)
        part = os.path.join(two.folder, "data", ".partial", asset)
        meet(work, two)
        while not os.path.exists(part) or os.path.getsize(part) < RESUMED_BYTES // 3:
            time.sleep(0.005)
        two.end(kills=True)
        kept, before = os.path.getsize(part), wire.bytes
        begin = time.monotonic()
        two.start()
        two.wait_for(1)
        figures["resumed s"].append(time.monotonic() - begin)
        missing = RESUMED_BYTES - kept
        figures["resume share"].append((wire.bytes - before - missing) / missing * 100)
        figures["memory of large MB"].append(max(peak_mb(store) for store in (one, two)))


def thumbnails(figures, binary):
    with tempfile.TemporaryDirectory() as work:
        say(f"{PICTURES} pictures of 12 megapixels")
        pictures = [os.path.join(work, f"{i}.jpg") for i in range(PICTURES)]
        for i, picture in enumerate(pictures):
            subprocess.run(["convert", "-size", "1000x750", "-seed", str(i), "plasma:", "-resize", "4000x3000!",
                            "-quality", "90", picture], check=True)
        store = MeasuredStore(binary, os.path.join(work, "store"), "")
        try:
            assets = [store.put_file(picture) for picture in pictures]
            begin = time.monotonic()
            for asset in assets:
                with urllib.request.urlopen(f"{store.url}/api/v1/can/0/asset/{asset}/thumb/256/256") as reply:
                    reply.read()
            figures["thumbnails"].append(PICTURES / (time.monotonic() - begin))
        finally:
            store.end()
        begin = time.monotonic()
        for picture in pictures:
            subprocess.run(["convert", picture, "-auto-orient", "-thumbnail", "256x256", picture + ".small.jpg"],
                           check=True)
        figures["convert"].append(PICTURES / (time.monotonic() - begin))


def moved(figures, binary):
    with tempfile.TemporaryDirectory() as work:
        files = [os.path.join(work, name) for name in ("a.bin", "b.bin")]
        for path in files:
            fill(path)
        figures["disk MB/s"].append(disk(work))
        mirror(figures, binary, files)
        rsync(figures, files)
        syncthing(figures, files)


PIECES = {"mirror": moved, "ingest": ingest, "many": many, "resume": resume, "thumbnails": thumbnails}


def peak_mb(store):
    with open(f"/proc/{store.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024


def memory_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def table(figures):
    def row(name, key, unit, limit=""):
        return [f"| {name} | {statistics.median(figures[key]):,.1f} {unit} | {limit} |"] if figures[key] else []

    size = f"{LARGE_BYTES >> 20} MiB each way at once"
    return [machine(), "", "| Stores on one machine | | goal |", "| --- | ---: | --- |",
            *row(f"{size}, from the connection on", "both MB/s", "MB/s", f"{MB_S_MIN}"),
            *row("rsync, the same files, flushed", "rsync MB/s", "MB/s"),
            *row("syncthing, the same files", "syncthing MB/s", "MB/s"),
            *row("this disk: as many bytes written and flushed by one program", "disk MB/s", "MB/s"),
            *row("processor of both services", "s/GB", "s/GB"),
            *row("memory of a service after it, above idle", "memory MB", "MB", "64"),
            *row("upload answered to visible at the other, P50", "visible p50", "ms"),
            *row("the same, P99", "visible p99", "ms", f"{VISIBLE_MS_MAX}"),
            *row(f"{SMALL:,} uploads of 1 KB by 32 clients, until all are answered", "small put s", "s"),
            *row("the same, until all are visible at the other", "small s", "s"),
            *row("uploads of 1 KB by one client", "ingest one", "/s"),
            *row("files of 1 KB, each written, flushed, renamed and its folder flushed, by one thread", "files one", "/s"),
            *row(f"{INGESTED:,} uploads of 1 KB by 32 clients", "ingest all", "/s", "10,000"),
            *row("files of 1 KB in the same way, by 32 threads", "files all", "/s"),
            *row("processor of the service for one of them", "ingest us all", "us"),
            *row(f"start of a store with {MANY:,} files that its index does not know", "index s", "s"),
            *row("start of a store that knows them", "start s", "s"),
            *row(f"search and list over {MANY:,} assets, P50", "search p50", "ms"),
            *row("the same, P99", "search p99", "ms", f"{SEARCH_MS_MAX}"),
            *row(f"{MANY:,} equal assets, first connection of two stores, until both are in sync", "reconcile first s", "s"),
            *row("bytes of datagrams for it", "reconcile first KB", "KB"),
            *row("peak memory of a service meanwhile", "memory first MB", "MB"),
            *row("the same stores at their next connection", "reconcile again s", "s"),
            *row("bytes of datagrams for it", "reconcile again KB", "KB"),
            *row("peak memory of a service meanwhile", "memory again MB", "MB"),
            *row(f"{RESUMED_BYTES >> 20} MiB broken off by kill -9, the rest, from the start of the receiver on", "resumed s", "s"),
            *row("bytes of datagrams beyond those that were missing", "resume share", "%"),
            *row("peak memory of a service meanwhile", "memory of large MB", "MB"),
            *row("thumbnails of 12 megapixels", "thumbnails", "/s"),
            *row("ImageMagick, the same", "convert", "/s")]


def enter_network():
    """Starts this program again in a network of its own, where all bytes on loopback are ours."""
    if own_network():
        return
    os.environ["EDGESYNC_BENCH_NETWORK"] = "own"
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh can", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", help="comma separated: " + ", ".join(PIECES))
    parser.add_argument("--out", help="report; docs/BENCHMARKS.md unless --only is given")
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else list(PIECES)
    if unknown := set(chosen) - set(PIECES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    if os.geteuid() != 0:
        parser.error("root is needed: bytes are counted in a network of its own")
    enter_network()
    out = options.out or (None if options.only else os.path.join(ROOT, "docs", "BENCHMARKS.md"))
    figures = collections.defaultdict(list)
    for i in range(options.runs):
        say(f"run {i + 1} of {options.runs}")
        for piece in chosen:
            PIECES[piece](figures, os.path.abspath(options.binary))
    lines = table(figures)
    print("\n".join(lines))
    if out:
        write(out, TITLE, lines)

    def misses(key, is_missed):
        return bool(figures[key]) and is_missed(statistics.median(figures[key]))

    missed = (misses("both MB/s", lambda rate: rate < MB_S_MIN)
              or misses("visible p99", lambda ms: ms > VISIBLE_MS_MAX)
              or misses("search p99", lambda ms: ms > SEARCH_MS_MAX)
              or misses("ingest all", lambda rate: rate < 10_000))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
