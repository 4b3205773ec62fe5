"""Writers that push one commit after the other, over HTTP, without the cost of a process each."""

import hashlib
import http.client
import sqlite3
import struct
import threading
import time
import urllib.parse
import zlib

from measure import Failed


def artifact(text):
    return hashlib.sha3_256(text).hexdigest()


def manifest(comment, name, content, parent, moment):
    lines = (f"C {comment}\nD {time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment))}.{int(moment * 1000) % 1000:03d}\n"
             f"F {name} {artifact(content)}\nP {parent}\nU tester\n").encode()
    return lines + b"Z " + hashlib.md5(lines, usedforsecurity=False).hexdigest().encode() + b"\n"


def message(project, artifacts):
    """Spec: www/sync.wiki; a push of whole artifacts, with the length before the compressed text."""
    cards = [f"push {'0' * 40} {project}\n".encode()]
    for text in artifacts:
        cards.append(f"file {artifact(text)} {len(text)}\n".encode() + text)
    whole = b"".join(cards)
    return struct.pack(">I", len(whole)) + zlib.compress(whole, 1)


class Writer(threading.Thread):
    """One person who commits as fast as the server says yes, each check-in on top of the one before."""

    def __init__(self, number, address, project, parent, count, begin):
        super().__init__()
        self.latencies, self.fault = [], None
        self._number, self._address, self._project, self._parent, self._count, self._begin = (
            number, address, project, parent, count, begin)

    def run(self):
        try:
            connection = http.client.HTTPConnection(self._address, timeout=30)
            self._begin.wait()
            for i in range(self._count):
                content = f"writer {self._number}, line {i}\n".encode() * 20
                check_in = manifest(f"writer\\s{self._number}\\sstep\\s{i}", f"w{self._number}.txt", content, self._parent, time.time())
                body = message(self._project, [content, check_in])
                began = time.monotonic()
                connection.request("POST", "/", body, {"Content-Type": "application/x-fossil"})
                answer = connection.getresponse()
                reply = answer.read()
                self.latencies.append(time.monotonic() - began)
                self._parent = artifact(check_in)
                text = zlib.decompress(reply[4:]) if reply else b""
                if answer.status != 200 or b"error " in text:
                    raise Failed(f"a push was refused: {answer.status} {text[:200]}")
                if answer.will_close:
                    connection.close()
        except (OSError, http.client.HTTPException, zlib.error, Failed) as fault:
            self.fault = fault


def push_commits(repository, url, writers, count):
    """Commits a second, and how long each was on its way; sees to it that all of them arrived."""
    database = sqlite3.connect(repository)
    project = database.execute("select value from config where name='project-code'").fetchone()[0]
    parent, = database.execute("select uuid from blob join event on objid=rid where type='ci' order by event.mtime desc").fetchone()
    before = database.execute("select count(*) from event where type='ci'").fetchone()[0]
    database.close()
    begin = threading.Event()
    crowd = [Writer(i, urllib.parse.urlsplit(url).netloc, project, parent, count // writers, begin) for i in range(writers)]
    for writer in crowd:
        writer.start()
    began = time.monotonic()
    begin.set()
    for writer in crowd:
        writer.join()
    taken = time.monotonic() - began
    for writer in crowd:
        if writer.fault:
            raise Failed(f"a writer failed: {writer.fault}")
    database = sqlite3.connect(repository)
    arrived = database.execute("select count(*) from event where type='ci'").fetchone()[0] - before
    database.close()
    if arrived != sum(len(writer.latencies) for writer in crowd):
        raise Failed(f"{arrived} of {sum(len(writer.latencies) for writer in crowd)} acknowledged commits are there")
    return arrived / taken, [latency for writer in crowd for latency in writer.latencies]
