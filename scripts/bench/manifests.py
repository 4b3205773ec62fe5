"""A history whose manifests are large: thousands of check-ins of one file each, in a tree of hundreds."""

import array
import hashlib
import sqlite3
import struct
import time
import zlib

CHECK_INS = 21_500
FILES = 800
FULL_TEXT_EVERY = 60   # manifests between two that are no deltas
STARTED = 1_577_836_800
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"


def number(value):
    """Spec: www/delta_format.wiki; digits of 6 bits."""
    text = ""
    while True:
        text = DIGITS[value & 63] + text
        value >>= 6
        if not value:
            return text.encode()


def checksum(text):
    words = array.array("I", text + bytes(-len(text) % 4))
    words.byteswap()
    return sum(words) & 0xFFFFFFFF


def delta(source, target, kept):
    """Takes the ranges `kept`, the same in both texts, from the source, and the rest from the target."""
    out, at = [number(len(target)), b"\n"], 0
    for begin, end in kept:
        if at < begin:
            out += [number(begin - at), b":", target[at:begin]]
        if begin < end:
            out += [number(end - begin), b"@", number(begin), b","]
        at = end
    if at < len(target):
        out += [number(len(target) - at), b":", target[at:]]
    assert len(source) == len(target)
    return b"".join([*out, number(checksum(target)), b";"])


def stored(text):
    return struct.pack(">I", len(text)) + zlib.compress(text, 6)


class Manifests:
    """Texts of one length, so that an unchanged card is at the same place in each."""

    def __init__(self, contents):
        self._cards = [self._card(i, content) for i, content in enumerate(contents)]
        self._parent = None

    def next(self, i, changed, content):
        """The text of the check-in `i`; then where its cards begin, the changed one, its end, and theirs."""
        self._cards[changed] = self._card(changed, content)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(STARTED + 60 * i)).encode()
        head = b"C check-in\\s%06d\nD %s.000\n" % (i, moment)
        begin = len(head) + changed * len(self._cards[0])
        body = head + b"".join(self._cards) + (b"P %s\n" % self._parent if self._parent else b"") + b"U tester\n"
        text = body + b"Z %s\n" % hashlib.md5(body, usedforsecurity=False).hexdigest().encode()
        self._parent = hashlib.sha3_256(text).hexdigest().encode()
        return text, (len(head), begin, begin + len(self._cards[0]), len(head) + FILES * len(self._cards[0]))

    @staticmethod
    def _card(i, content):
        return b"F src/folder%02d/file%04d.txt %s\n" % (i // 50, i, hashlib.sha3_256(content).hexdigest().encode())


def fill(repo):
    """Adds the history to a repository that stock made; answers bytes of its texts. Clones derive the tables from it."""
    contents = [b"file %d\n" % i for i in range(FILES)]
    database, manifests, total, old = sqlite3.connect(repo), Manifests(contents), 0, None
    first, = database.execute("select max(rid)+1 from blob").fetchone()

    def insert(rid, text, content):
        database.execute("insert into blob(rid,rcvid,size,uuid,content) values(?,1,?,?,?)",
                         (rid, len(text), hashlib.sha3_256(text).hexdigest(), content))

    with database:
        for i, text in enumerate(contents):
            insert(first + i, text, stored(text))
        rid = first + FILES
        for i in range(CHECK_INS):
            content = b"file of check-in %d\n" % i * 3
            insert(rid, content, stored(content))
            text, places = manifests.next(i, i * 7 % FILES, content)
            total += len(content) + len(text)
            if old is not None:
                head, begin, end, cards = places
                if i % FULL_TEXT_EVERY == 1 or len(old) != len(text):
                    insert(rid - 1, old, stored(old))
                else:
                    insert(rid - 1, old, stored(delta(text, old, [(head, begin), (end, cards)])))
                    database.execute("insert into delta(rid,srcid) values(?,?)", (rid - 1, rid + 1))
            old = text
            rid += 2
        insert(rid - 1, old, stored(old))
    database.close()
    return total
