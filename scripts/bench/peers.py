"""How the same work is asked of our program and of stock."""

import hashlib
import os
import shutil
import socket
import sqlite3
import tempfile
import time
import urllib.parse

from measure import Failed, Sample, Server, run


class Peer:
    """One of the two programs, with a home of its own."""

    def __init__(self, name, binary, work):
        self.name = name
        self.binary = binary
        self.home = tempfile.mkdtemp(prefix=f"{name}-home-", dir=work)
        self.env = {**os.environ, "HOME": self.home, "USER": "tester", "LC_ALL": "C", "TZ": "UTC"}

    def __call__(self, *arguments, cwd=None, must_succeed=True):
        return run([self.binary, *arguments], self.env, cwd, must_succeed)

    def capture(self, *arguments, cwd=None):
        return self(*arguments, cwd=cwd).output


class Stock(Peer):
    def serve(self, repo):
        return Server(lambda port: [self.binary, "server", "--port", str(port), "--localhost", repo], self.env)

    def clone(self, url, repo):
        return self("clone", "--once", url, repo)

    def pull(self, url, repo):
        return self("pull", url, "--once", "-R", repo)

    def push(self, url, repo):
        return self("push", url, "--once", "-R", repo)

    def push_some(self, url, repo):
        """One try of many: it may give up half way, with an error or without."""
        return self("push", url, "--once", "-R", repo, must_succeed=False)

    def rebuild(self, repo):
        return self("rebuild", repo)

    def verify(self, repo):
        return self("test-integrity", "-R", repo)

    def ls(self, repo):
        return self("ls", "-r", "tip", "-R", repo)

    def timeline(self, repo):
        return self("timeline", "-n", "20", "-t", "ci", "-R", repo)

    def cat(self, repo, artifact):
        return self("artifact", artifact, "-R", repo)

    def version(self):
        return self("version")

    def open_tree(self, repo, folder):
        os.makedirs(folder)
        self.capture("open", repo, cwd=folder)

    def commit(self, repo, folder, name, message):
        return self("commit", "--no-warnings", "--no-prompt", "--allow-fork", "-m", message, name, cwd=folder)

    def import_tree(self, repo, folder):
        self.capture("open", "--force", repo, cwd=folder)
        try:
            added = self("add", ".", cwd=folder)
            made = self("commit", "--no-warnings", "--no-prompt", "-m", "all of it", cwd=folder)
            return Sample(added.wall_s + made.wall_s, added.cpu_s + made.cpu_s, max(added.rss_kb, made.rss_kb), made.output)
        finally:
            self.capture("close", "--force", cwd=folder)


class Ours(Peer):
    def serve(self, repo):
        return Server(
            lambda port: [self.binary, "leaf", "--repo", repo, "--serve-http", f"127.0.0.1:{port}"], self.env)

    def clone(self, url, repo):
        return self("repo", "clone", url, repo)

    def pull(self, url, repo):
        return self("repo", "pull", url, "-R", repo)

    def push(self, url, repo):
        return self("repo", "push", url, "-R", repo)

    push_some = push

    def rebuild(self, repo):
        return self("repo", "rebuild", "-R", repo)

    def verify(self, repo):
        return self("repo", "verify", "-R", repo)

    def ls(self, repo):
        return self("repo", "ls", "tip", "-R", repo)

    def timeline(self, repo):
        return self("repo", "timeline", "-n", "20", "-R", repo)

    def cat(self, repo, artifact):
        return self("repo", "cat", artifact, "-R", repo)

    def version(self):
        return self("--version")

    def open_tree(self, repo, folder):
        os.makedirs(folder)
        self.capture("repo", "co", "tip", "-R", repo, "-d", folder)

    def commit(self, repo, folder, name, message):
        return self("repo", "ci", name, "-m", message, "-R", repo, cwd=folder)

    def import_tree(self, repo, folder):
        return self("repo", "ci", ".", "-m", "all of it", "-R", repo, cwd=folder)


def copy(source, target):
    """A repository of its own for one run."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(target + suffix):
            os.remove(target + suffix)
    shutil.copyfile(source, target)
    return target


def bare_pull_s(url, repo):
    """How long a server takes to say that it has nothing: one request by hand, to the first byte of the reply."""
    with sqlite3.connect(repo) as database:
        code = database.execute("select value from config where name='project-code'").fetchone()[0]
    database.close()
    cards = f"pragma client-version 22100 20230226 192424\npull {'0' * 40} {code}\n".encode()
    address = urllib.parse.urlsplit(url)
    head = (f"POST / HTTP/1.0\r\nHost: {address.netloc}\r\nContent-Type: application/x-fossil-uncompressed\r\n"
            f"Content-Length: {len(cards)}\r\n\r\n").encode()
    began = time.perf_counter()
    with socket.create_connection((address.hostname, address.port), 10) as connection:
        connection.sendall(head + cards)
        first = connection.recv(65536)
        taken = time.perf_counter() - began
    if b" 200 " not in first[:20]:
        raise Failed(f"{url} answers a pull with {first[:80]}")
    return taken


def open_to_all(repo):
    """Lets anybody clone, pull and push, so that both sides measure work and not passwords."""
    with sqlite3.connect(repo) as database:
        database.execute("update user set cap='ghijknorswyz' where login='nobody'")
        # Stock wants to know who pulls; its own answer is the user of the machine, whom a copied repository may not know.
        database.execute("insert or ignore into user(login,pw,cap,info,mtime) values('tester','','s','',0)")
        database.execute("replace into config(name,value,mtime) values('autosync','off',0)")
    database.close()


def empty_twin(stock, repo, target):
    """A repository without content that calls itself the same project, as a place to push a whole history to."""
    with sqlite3.connect(repo) as database:
        code = database.execute("select value from config where name='project-code'").fetchone()[0]
    database.close()
    if os.path.exists(target):
        os.remove(target)
    stock.capture("new", target)
    open_to_all(target)
    with sqlite3.connect(target) as database:
        database.execute("update config set value=? where name='project-code'", (code,))
    database.close()
    return target


def artifact_set(repo):
    """
    What a repository holds and may tell, as one number, to see that both sides did the work. Clusters are left out: a
    server makes new ones while it is asked.
    """
    with sqlite3.connect(repo) as database:
        names = database.execute(
            "select uuid from blob where size>=0 and rid not in private and uuid not in (select uuid from shun)"
            " and rid not in (select rid from tagxref where tagid=7) order by uuid").fetchall()
    database.close()
    return len(names), hashlib.sha1("".join(row[0] for row in names).encode()).hexdigest()


def stored_count(repo):
    """Artifacts with content, clusters included: those that a peer which only stores has not yet recognized, too."""
    with sqlite3.connect(repo) as database:
        count = database.execute("select count(*) from blob where size>=0").fetchone()[0]
    database.close()
    return count


def deepest_delta(repo):
    """The artifact behind the longest chain of deltas."""
    with sqlite3.connect(repo) as database:
        parent = dict(database.execute("select rid, srcid from delta"))
        depth = {}
        for rid in parent:
            chain = []
            while rid in parent and rid not in depth:
                chain.append(rid)
                rid = parent[rid]
            base = depth.get(rid, 0)
            for step, link in enumerate(reversed(chain), 1):
                depth[link] = base + step
        rid = max(depth, key=depth.get) if depth else 1
        name = database.execute("select uuid from blob where rid=?", (rid,)).fetchone()[0]
    database.close()
    return name, depth.get(rid, 0)
