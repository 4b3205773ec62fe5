#!/usr/bin/env python3
"""Makes a Fossil repository with a seeded, made-up history: the same seed gives the same artifacts.

    scripts/make-history.py OUT.fossil                    2,200 check-ins and every kind of artifact
    scripts/make-history.py OUT.fossil --checkins 60      small, still every kind (below 40 the large files shrink too)

The artifacts are written here, card by card, so that the history holds what people rarely do (renames, delta manifests,
clear-signed check-ins, forum posts, tag edits, odd names). Stock fossil does the rest: it creates the repository, and its
`rebuild` derives all tables, makes deltas and clusters. What stock would refuse to parse is therefore missing in its
tables, and the caller may compare them with another program's.
"""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import zlib

PROJECT_CODE = "5eed" + "0123456789abcdef" * 2 + "0123"
SERVER_CODE = "c0de" + "fedcba9876543210" * 2 + "0123"
FOSSIL = os.environ.get("EDGESYNC_FOSSIL", "fossil")
START_MS = 1_577_836_800_000  # 2020-01-01

WORDS = ("anchor beacon cable deck engine ferry galley harbor inlet jetty keel ladder mast north ocean pier quay rudder "
         "sail tide umbra vessel wharf xebec yard zenith").split()

ODD_NAMES = [
    "docs/a name with spaces.txt", "docs/quote\"d.txt", "docs/apostrophe's.txt", "docs/ünïcødé.txt", "docs/日本語/ファイル.txt",
    "docs/emoji-😀.txt", "docs/back\\slash.txt", "docs/tab\there.txt", "-dash", "a.b", "a/b", "ab", "UPPER.TXT", "upper.txt",
    "docs/[brackets].txt", "docs/100%.txt", "docs/semi;colon&amp.txt", "docs/trailing.dot.", "x/" + "deep/" * 12 + "leaf.txt",
    "docs/" + "long" * 40 + ".txt", "docs/new\nline.txt", "docs/a b", "docs/a!b", ".dotfile", "docs/e\u0301 combining.txt",
]

SPECIMEN_COMMENTS = [
    "plain", "two\nlines", "tab\tand\\backslash", "  leading blanks", "<b>html</b> & \"quotes\"", "ünïcødé 日本語 😀",
    "see [{first}] and [{tip}|the tip]", "wiki [Harbor Rules] and /info/{tip}", "x" * 700, "ends with backslash\\",
]


def fossilize(text):
    raw = text.encode("utf-8")
    out = bytearray()
    named = {0x20: b"\\s", 0x0a: b"\\n", 0x09: b"\\t", 0x0d: b"\\r", 0x0b: b"\\v", 0x0c: b"\\f", 0x00: b"\\0", 0x5c: b"\\\\"}
    for byte in raw:
        out += named.get(byte) or bytes([byte])
    return bytes(out)


def date(ms, style=0):
    seconds, fraction = divmod(ms, 1000)
    import datetime
    day = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    if style == 1:
        return day.strftime("%Y-%m-%dT%H:%M:%S").encode()
    if style == 2:
        return (day.strftime("%Y-%m-%dT%H:%M:%S") + f".{fraction:03d}Z").encode()
    return (day.strftime("%Y-%m-%dT%H:%M:%S") + f".{fraction:03d}").encode()


def sealed(lines):
    body = b"".join(line + b"\n" for line in lines)
    return body + b"Z " + hashlib.md5(body).hexdigest().encode() + b"\n"


def clear_signed(artifact):
    return (b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n" + artifact +
            b"-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEEmadeupmadeupmadeupmadeup\n=made\n-----END PGP SIGNATURE-----\n")


class Store:
    """Artifacts in the order in which they were made."""

    def __init__(self, hash_name):
        self.hash_name = hash_name
        self.content = {}
        self.private = set()
        self.private_now = False

    def add(self, data):
        digest = (hashlib.sha1 if self.hash_name == "sha1" else hashlib.sha3_256)(data).hexdigest()
        if digest not in self.content:
            self.content[digest] = data
            if self.private_now:
                self.private.add(digest)
        return digest


class CheckIn:
    def __init__(self, name, ms, files, branch, full, parents):
        self.name, self.ms, self.files, self.branch, self.full, self.parents = name, ms, files, branch, full, parents
        self.baseline = None


class History:
    """A project growing: branches with tips, each a tree of name -> (content hash, permission)."""

    def __init__(self, rng, store, first, first_ms):
        self.rng, self.store = rng, store
        self.now = first_ms
        root = CheckIn(first, first_ms, {}, "trunk", True, [])
        root.baseline = root
        self.tips = {"trunk": root}
        self.all = [root]
        self.closed = set()
        self.serial = 0

    # Contents

    def text(self, lines):
        rng = self.rng
        return "".join(" ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 9))) + "\n" for _ in range(lines)).encode()

    def edited(self, data):
        rng = self.rng
        if b"\0" in data[:64] or not data:
            data = bytearray(data or rng.randbytes(300))
            for _ in range(rng.randint(1, 5)):
                at = rng.randrange(len(data))
                data[at:at + rng.randint(0, 40)] = rng.randbytes(rng.randint(0, 40))
            return bytes(data) + b"\1"
        lines = data.split(b"\n")
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(lines))
            choice = rng.random()
            if choice < 0.5:
                lines[at] = self.text(1)[:-1]
            elif choice < 0.8:
                lines[at:at] = self.text(rng.randint(1, 6))[:-1].split(b"\n")
            elif len(lines) > 8:
                del lines[at:at + rng.randint(1, 4)]
        return b"\n".join(lines) + self.text(1)

    def fresh_name(self):
        rng = self.rng
        self.serial += 1
        return f"src/{rng.choice(WORDS)}/{rng.choice(WORDS)}{self.serial}.{rng.choice(['c', 'h', 'txt', 'md', 'bin'])}"

    def tick(self):
        rng = self.rng
        # Some check-ins are so close that stock moves their timeline entries apart.
        self.now += rng.choice([0, 1, 500, 1500]) if rng.random() < 0.06 else rng.randint(5_000, 20_000_000)
        return self.now

    # Check-ins

    def commit(self, branch, changes, *, merged=(), renames=None, tags=(), picks=(), comment=None, user=None, ms=None,
               delta=False, checksum=False, signed=False, cards=None, new_branch=None):
        parent = self.tips[branch]
        files = dict(parent.files)
        for name, entry in changes.items():
            if entry is None:
                files.pop(name, None)
            else:
                files[name] = entry
        ms = self.tick() if ms is None else ms
        comment = comment if comment is not None else self.comment()
        user = user if user is not None else self.rng.choice(["tester", "alice", "bob smith", "zoë"])
        baseline = parent.baseline if delta else None
        lines = []
        if baseline:
            lines.append(b"B " + baseline.name.encode())
        if comment:
            lines.append(b"C " + fossilize(comment))
        lines.append(b"D " + date(ms, self.rng.choice([0, 0, 0, 0, 1, 2]) if ms % 1000 == 0 else 0))
        lines += self.file_cards(files, renames or {}, baseline)
        lines.append(b"P " + b" ".join(c.name.encode() for c in [parent, *merged]))
        lines += [b"Q " + pick.encode() for pick in picks]
        if checksum:
            lines.append(b"R " + self.tree_checksum(files))
        if new_branch:
            tags = [*tags, f"*branch * {new_branch}", f"*sym-{new_branch} *", f"-sym-{parent.branch} *"]
        lines += [b"T " + t for t in sorted(tag.encode() for tag in tags)]
        if user:
            lines.append(b"U " + fossilize(user))
        artifact = sealed(lines)
        name = self.store.add(clear_signed(artifact) if signed else artifact)
        made = CheckIn(name, ms, files, new_branch or parent.branch, not delta, [parent, *merged])
        made.baseline = baseline or made
        self.tips[new_branch or branch] = made
        self.all.append(made)
        return made

    def file_cards(self, files, renames, baseline):
        base = baseline.files if baseline else {}
        shown = {name: entry for name, entry in files.items() if base.get(name) != entry or name in renames}
        gone = [name for name in base if name not in files]
        cards = []
        for name in sorted([*shown, *gone], key=lambda n: n.encode()):
            card = b"F " + fossilize(name)
            if name in shown:
                content, permission = shown[name]
                card += b" " + content.encode()
                if name in renames:
                    card += b" " + (permission or "w").encode() + b" " + fossilize(renames[name])
                elif permission:
                    card += b" " + permission.encode()
            cards.append(card)
        return cards

    def tree_checksum(self, files):
        digest = hashlib.md5()
        for name in sorted(files, key=lambda n: n.encode()):
            data = self.store.content[files[name][0]]
            digest.update(name.encode() + f" {len(data)}\n".encode() + data)
        return digest.hexdigest().encode()

    def comment(self):
        rng = self.rng
        if rng.random() < 0.03:
            text = rng.choice(SPECIMEN_COMMENTS)
            return text.replace("{first}", self.all[1 % len(self.all)].name[:10]).replace("{tip}", self.all[-1].name[:16])
        return " ".join(rng.choice(WORDS) for _ in range(rng.randint(2, 12)))

    def random_changes(self, parent):
        rng, changes, renames = self.rng, {}, {}
        names = list(parent.files)
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 5])):
            choice = rng.random()
            name = rng.choice(names) if names else None
            if name in changes or name in renames.values():
                continue
            if name is None or choice < 0.10:
                binary = rng.random() < 0.15
                data = b"\0\1" + rng.randbytes(rng.randint(0, 3000)) if binary else self.text(rng.choice([0, 1, 20, 60, 150]))
                changes[self.fresh_name()] = (self.store.add(data), "")
            elif choice < 0.84:
                content, permission = parent.files[name]
                if permission == "l":
                    changes[name] = (self.store.add(rng.choice(names).encode()), "l")
                else:
                    changes[name] = (self.store.add(self.edited(self.store.content[content])), permission)
            elif choice < 0.88 and len(names) > 20:
                changes[name] = None
            elif choice < 0.92:
                to = self.fresh_name()
                content, permission = parent.files[name]
                if rng.random() < 0.4 and permission != "l":
                    content = self.store.add(self.edited(self.store.content[content]))
                changes[name], changes[to], renames[to] = None, (content, permission), name
            elif choice < 0.96:
                content, permission = parent.files[name]
                if permission != "l":
                    changes[name] = (content, "" if permission else "x")
            elif choice < 0.98:
                changes[self.fresh_name() + ".link"] = (self.store.add(rng.choice(names).encode()), "l")
            else:
                changes[self.fresh_name()] = (parent.files[name][0], "")  # a copy: one blob, two names
        return changes, renames

    def merge(self, into, source):
        rng, changes = self.rng, {}
        theirs, ours = self.tips[source], self.tips[into]
        for name, entry in theirs.files.items():
            if name not in ours.files or (entry != ours.files[name] and rng.random() < 0.5):
                changes[name] = entry
        for name in list(ours.files):
            if name not in theirs.files and rng.random() < 0.1:
                changes[name] = None
        merged = [theirs]
        others = [b for b in self.tips if b not in (into, source) and b not in self.closed]
        if others and rng.random() < 0.1:
            merged.append(self.tips[rng.choice(others)])
        tags = []
        if rng.random() < 0.4 and source != "trunk":
            tags.append(f"+closed {theirs.name}")
            self.closed.add(source)
        self.commit(into, changes, merged=merged, tags=tags, checksum=rng.random() < 0.2)

    def grow(self, checkins):
        rng = self.rng
        small = checkins < 40
        big = self.store.add(self.text(300 if small else 6000))
        first = {f"src/{w}/start.c": (self.store.add(self.text(80)), "") for w in WORDS}
        first |= {name: (self.store.add(self.text(12)), "") for name in ODD_NAMES}
        first |= {"big.txt": (big, ""), "run.sh": (self.store.add(b"#!/bin/sh\nexit 0\n"), "x"),
                  "link": (self.store.add(b"run.sh"), "l"), "empty": (self.store.add(b""), ""),
                  "blob.bin": (self.store.add(b"\0" + rng.randbytes(3000 if small else 60_000)), "")}
        self.commit("trunk", first, checksum=True, comment="first files")
        while len(self.all) < checkins:
            opened = [b for b in self.tips if b not in self.closed]
            branch = "trunk" if rng.random() < 0.5 else rng.choice(opened)
            choice = rng.random()
            if choice < 0.03 and len(opened) < 12:
                changes, renames = self.random_changes(self.tips[branch])
                self.serial += 1
                colour = ["*bgcolor * #c0ffee"] if rng.random() < 0.5 else []
                self.commit(branch, changes, renames=renames, tags=colour, new_branch=f"{rng.choice(WORDS)}-{self.serial}")
            elif choice < 0.10 and len(opened) > 1:
                self.merge(branch, rng.choice([b for b in opened if b != branch]))
            elif choice < 0.12 and len(self.all) > 30:
                picked = rng.choice(self.all[5:])
                changes, _ = self.random_changes(self.tips[branch])
                sign = rng.choice("+-")
                self.commit(branch, changes, picks=[f"{sign}{picked.name}"])
            elif choice < 0.13 and len(self.all) > 30:
                self.fork(branch)
            else:
                changes, renames = self.random_changes(self.tips[branch])
                if rng.random() < 0.05 and "big.txt" in self.tips[branch].files:
                    content, permission = self.tips[branch].files["big.txt"]
                    changes["big.txt"] = (self.store.add(self.edited(self.store.content[content])), permission)
                tags = []
                if rng.random() < 0.01:
                    tags.append(f"+sym-inline-{len(self.all)} *")
                if rng.random() < 0.01 and branch != "trunk" and len(opened) > 2:
                    tags.append("+closed *")
                    self.closed.add(branch)
                self.commit(branch, changes, renames=renames, tags=tags, delta=rng.random() < 0.15,
                            checksum=rng.random() < 0.1, signed=rng.random() < 0.01)

    def fork(self, branch):
        """A second child of the tip's parent on the same branch: both stay leaves."""
        tip = self.tips[branch]
        if not tip.parents or tip.parents[0].branch != tip.branch:
            return
        changes, renames = self.random_changes(tip.parents[0])
        self.tips[branch] = tip.parents[0]
        self.commit(branch, changes, renames=renames)
        if self.rng.random() < 0.5:
            self.tips[branch] = tip


class Kinds:
    """Everything that is no check-in, and the rare sorts of check-ins."""

    def __init__(self, history, no_reparent=False):
        self.history, self.store, self.rng, self.no_reparent = history, history.store, history.rng, no_reparent

    def put(self, *cards):
        return self.store.add(sealed(list(cards)))

    def at(self):
        return b"D " + date(self.history.tick())

    def everything(self):
        for step in (self.controls, self.wiki, self.tickets, self.technotes, self.forum, self.rare_checkins,
                     self.lookalikes, self.private_branch, self.clusters):
            step()

    def control(self, *tags, user="tester", at=None):
        return self.put(at or self.at(), *[b"T " + t for t in sorted(tag.encode() for tag in tags)], b"U " + fossilize(user))

    def controls(self):
        checkins = self.history.all
        pick = lambda: self.rng.choice(checkins[1:]).name
        for number in range(12):
            self.control(f"+sym-v1.{number} {pick()}")
        twice = pick()
        self.control(f"+sym-moved {twice}", "+sym-second-tag " + pick())
        self.control(f"-sym-moved {twice}")
        self.control(f"+sym-moved {pick()}")
        middle = checkins[len(checkins) // 2].name
        self.control(f"*quality {middle} good\\sold\\sdays")
        self.control(f"-quality {checkins[len(checkins) * 3 // 4].name}")
        self.control(f"+quality {checkins[len(checkins) * 5 // 8].name} single")
        for index in range(6):
            target = pick()
            self.control(f"+comment {target} edited\\scomment\\s[{middle[:12]}]")
            self.control(f"+user {pick()} alice")
            self.control(f"+bgcolor {pick()} #ffc0{index}0")
            self.control(f"*bgcolor {pick()} #00ff{index}0")
            self.control("+date " + pick() + " " + date(self.history.now - index * 86_400_000 * 30).decode())
        self.control(f"+hidden {pick()}")
        self.control(f"*hidden {pick()}")
        self.control(f"+note {pick()} a\\snote")
        self.control(f"+closed {checkins[-1].name}")
        self.control(f"+closed {checkins[-2].name}", user="")
        self.control(f"-closed {checkins[-2].name}")
        moved = checkins[len(checkins) * 2 // 3]
        self.control(f"*branch {moved.name} renamed-branch", f"*sym-renamed-branch {moved.name}", f"-sym-{moved.branch} {moved.name}")
        orphan = checkins[len(checkins) // 3]
        if not self.no_reparent:
            self.control(f"+parent {orphan.name} {checkins[3].name}\\s{checkins[5].name}")
        # Two edits of the same moment: the order of arrival must not matter.
        same, target = self.at(), pick()
        self.control(f"+comment {target} one", at=same)
        self.control(f"+comment {target} two", at=same)
        # A tag on something that is no check-in, and on something unknown.
        self.control(f"+sym-on-a-file {checkins[1].files['run.sh'][0]}")
        self.control("+sym-on-nothing " + "ab" * (20 if self.store.hash_name == "sha1" else 32))
        self.control(f"+sym-zürich\\sß {pick()}", f"+with-value {pick()} välue\\nline")

    def wiki(self):
        tip = self.history.all[-1].name
        previous = None
        for version in range(5):
            text = f"Version {version} of the rules.\nSee [{tip[:10 + version]}], [/info/{tip}|info] and [Harbor Notes].\n" * 3
            previous = self.page("Harbor Rules", text, previous)
        self.page("Harbor Notes", "# Markdown\n\n[link](/info/" + tip[:12] + ") and [x](wiki:Harbor Rules)\n", None, "text/x-markdown")
        self.page("Plain", "[" + tip[:20] + "] plain", None, "text/plain")
        gone = self.page("Gone", "will be deleted", None)
        gone = self.page("Gone", "", gone)
        self.page("Back", "second life", self.page("Back", "", self.page("Back", "first life", None)))
        self.page("branch/trunk", "About the branch", None)
        self.page("checkin/" + tip, "About the check-in", None)
        self.page("Ünïcode 😀 page", "  \n\tleading white space", None)
        self.page("Forked", "left", self.page("Forked", "base", None))
        # A version whose predecessor never came.
        self.page("Lost", "text", hashlib.sha1(b"nowhere").hexdigest())
        self.attach("notes.txt", "Harbor Rules", b"attached to a wiki page\n")
        self.attach("notes.txt", "Harbor Rules", b"attached again, newer\n")
        self.attach("gone.txt", "Harbor Rules", b"will be removed\n")
        self.attach("gone.txt", "Harbor Rules", None)
        self.attach("odd name.png", "Nobody's Page", b"\x89PNG\r\n\x1a\n" + self.rng.randbytes(500))

    def page(self, title, text, parent, mimetype=None):
        cards = [self.at(), b"L " + fossilize(title)]
        if self.rng.random() < 0.3:
            cards.insert(0, b"C wiki\\scomment")
        if mimetype:
            cards.append(b"N " + mimetype.encode())
        if parent:
            cards.append(b"P " + parent.encode())
        raw = text.encode()
        return self.put(*cards, b"U tester", b"W %d\n" % len(raw) + raw)

    def attach(self, name, target, data, comment="why"):
        card = b"A " + fossilize(name) + b" " + fossilize(target)
        if data is not None:
            card += b" " + self.store.add(data).encode()
        return self.put(card, b"C " + fossilize(comment), self.at(), b"U alice")

    def tickets(self):
        tip = self.history.all[-1].name
        for number in range(8):
            ticket = hashlib.sha1(b"ticket %d" % number).hexdigest()
            self.ticket(ticket, {"comment": f"It leaks [{tip[:10]}].", "status": "Open", "title": f"Leak {number}",
                                 "type": "Code_Defect", "severity": "Severe", "foundin": "v1.2"})
            for change in range(number % 4):
                self.ticket(ticket, {"+comment": f"\n\nMore about {change} & [{tip[:14]}]", "priority": "High"}, "bob smith")
                self.ticket(ticket, {"icomment": f"remark {change} [{tip[:9]}]", "login": "alice", "mimetype": "text/plain",
                                     "unknown_field": "ignored"})
            if number % 3 == 0:
                self.ticket(ticket, {"resolution": "Fixed", "status": "Closed"})
            if number % 3 == 1:
                self.ticket(ticket, {"title": "Renamed " + str(number)})
            if number == 2:
                self.attach("trace.log", ticket, b"stack trace\n" * 30)
                self.attach("trace.log", ticket, None)
            if number == 4:
                self.attach("shot.png", ticket, self.rng.randbytes(400))
        # Changes of one moment.
        same = self.at()
        ticket = hashlib.sha1(b"same moment").hexdigest()
        for value in ("one", "two"):
            self.put(same, b"J title " + value.encode(), b"K " + ticket.encode(), b"U tester")

    def ticket(self, ticket, fields, user="tester"):
        cards = [b"J " + name.encode() + b" " + fossilize(fields[name]) for name in sorted(fields)]
        return self.put(self.at(), *cards, b"K " + ticket.encode(), b"U " + fossilize(user))

    def technotes(self):
        tip = self.history.all[-1].name
        for number in range(4):
            note = hashlib.sha1(b"note %d" % number).hexdigest()
            when = date(START_MS + 86_400_000 * 40 * (number + 1), 1)
            previous = None
            for version in range(number + 1):
                raw = f"note {number} version {version} [{tip[:10]}]\n".encode()
                cards = [b"C " + fossilize(f"Note {number}.{version} see [{tip[:11]}]"), self.at(), b"E " + when + b" " + note.encode()]
                if version % 2:
                    cards.append(b"N text/x-markdown")
                if previous:
                    cards.append(b"P " + previous.encode())
                if number == 2:
                    cards += [b"T +bgcolor * #f2c4a0", b"T +sym-noted * value"]
                previous = self.put(*cards, b"U tester", b"W %d\n" % len(raw) + raw)
            if number == 1:
                self.attach("agenda.txt", note, b"agenda\n")

    def forum(self):
        threads = []
        for number in range(4):
            root = self.post(title=f"Thread {number}", text=f"first words of thread {number}")
            reply = self.post(root=root, answers=root, text="a reply")
            second = self.post(root=root, answers=reply, text="a reply to the reply", mimetype="text/plain")
            self.post(root=root, answers=root, text="another [" + self.history.all[-1].name[:12] + "]", user="anonymous")
            threads.append((root, reply, second))
        root, reply, second = threads[0]
        edited = self.post(root=root, edits=root, title="Thread zero, renamed", text="first words, edited")
        self.post(root=root, edits=edited, title="Thread zero, renamed twice", text="edited twice")
        self.post(root=root, edits=reply, answers=root, text="a better reply")
        root, reply, second = threads[1]
        self.post(root=root, edits=second, answers=reply, text="")
        # A reply to a post that never came.
        self.post(root=hashlib.sha1(b"no thread").hexdigest(), answers=hashlib.sha1(b"no post").hexdigest(), text="lost")

    def post(self, *, text, title=None, root=None, answers=None, edits=None, user="tester", mimetype="text/x-markdown"):
        cards = [self.at()]
        if root:
            cards.append(b"G " + root.encode())
        if title:
            cards.append(b"H " + fossilize(title))
        if answers and not title:
            cards.append(b"I " + answers.encode())
        cards.append(b"N " + mimetype.encode())
        if edits:
            cards.append(b"P " + edits.encode())
        raw = text.encode()
        return self.put(*cards, b"U " + fossilize(user), b"W %d\n" % len(raw) + raw)

    def rare_checkins(self):
        history, rng = self.history, self.rng
        changes, renames = history.random_changes(history.tips["trunk"])
        history.commit("trunk", changes, renames=renames, signed=True, comment="clear-signed")
        history.commit("trunk", {}, comment="", user="", checksum=True)
        history.commit("trunk", history.random_changes(history.tips["trunk"])[0], delta=True, comment="delta manifest")
        names = [n for n in history.tips["trunk"].files if n.startswith("src/")][:2]
        one, two = (history.tips["trunk"].files[n] for n in names)
        history.commit("trunk", {names[0]: two, names[1]: one}, renames={names[0]: names[1], names[1]: names[0]}, comment="swapped names")
        history.commit("trunk", {names[0]: None}, delta=True, comment="delta manifest that deletes")
        history.commit("trunk", {names[0]: one}, delta=True, comment="delta manifest that brings back")
        history.commit("trunk", {"run.sh": (history.tips["trunk"].files["run.sh"][0], "l")} if "run.sh" in history.tips["trunk"].files else {},
                       comment="a file becomes a link")
        parent = history.tips["trunk"]
        history.commit("trunk", {}, merged=[history.all[len(history.all) // 2]], comment="merge of an ancestor")
        history.commit("trunk", {}, picks=[f"+{parent.name} {history.all[2].name}", f"-{history.all[4].name}"], comment="range pick and backout")
        history.commit("trunk", {}, comment="three tags", tags=["+sym-three-a *", "+sym-three-b *", "*with-value * some\\svalue"])
        history.commit("trunk", {}, comment="before its parent", ms=history.tips["trunk"].ms - 3_600_000)
        # A second root, with its own branch.
        files = {"island.txt": (self.store.add(b"apart\n"), "")}
        lines = [b"C second\\sroot", b"D " + date(history.tick()), *history.file_cards(files, {}, None),
                 b"T *branch * island", b"T *sym-island *", b"U tester"]
        island = CheckIn(self.put(*lines), history.now, files, "island", True, [])
        island.baseline = island
        history.tips["island"] = island
        history.all.append(island)
        history.commit("island", {"more.txt": (self.store.add(b"more\n"), "")})
        # A check-in whose parent and whose file never came, and a delta manifest without its baseline.
        unknown = hashlib.sha1(b"unknown").hexdigest()
        self.put(b"C lost\\sparent", b"D " + date(history.tick()), b"F here.txt " + self.store.add(b"here\n").encode(), b"P " + unknown.encode(), b"U tester")
        self.put(b"C lost\\sfile", b"D " + date(history.tick()), b"F there.txt " + hashlib.sha1(b"there").hexdigest().encode(),
                 b"P " + history.tips["trunk"].name.encode(), b"U tester")
        self.put(b"B " + hashlib.sha1(b"baseline").hexdigest().encode(), b"C lost\\sbaseline", b"D " + date(history.tick()),
                 b"F here.txt " + self.store.add(b"here again\n").encode(), b"P " + history.tips["trunk"].name.encode(), b"U tester")

    def lookalikes(self):
        """Files whose text is, or almost is, an artifact."""
        manifest = sealed([b"C looks\\slike\\sa\\scheck-in", b"D 2021-02-03T04:05:06.000", b"U mallory"])
        texts = {
            "like/manifest": manifest,
            "like/control": sealed([b"D 2021-02-03T04:05:07.000", b"T +sym-from-a-file " + self.history.all[2].name.encode(), b"U mallory"]),
            "like/bad-checksum": manifest.replace(b"mallory", b"m4llory"),
            "like/no-checksum": manifest[:-35],
            "like/crlf": manifest.replace(b"\n", b"\r\n"),
            "like/upper": manifest[:-33] + manifest[-33:-1].upper() + b"\n",
            "like/order": sealed([b"U mallory", b"D 2021-02-03T04:05:06.000"]),
            "like/trailing-blank": sealed([b"C x ", b"D 2021-02-03T04:05:06.000", b"U mallory"]),
            "like/with-comment": manifest + b"# a manifest as written to disk\n",
            "like/number": b"3",
            "like/zlib": zlib.compress(b"compressed once already" * 20),
        }
        self.history.commit("trunk", {name: (self.store.add(data), "") for name, data in texts.items()}, comment="look-alikes")

    def private_branch(self):
        history = self.history
        self.store.private_now = True
        try:
            public_tip = history.tips["trunk"]
            history.tips["private"] = public_tip
            content, permission = public_tip.files["big.txt"] if "big.txt" in public_tip.files else (self.store.add(b"big\n"), "")
            history.commit("private", {"secret.txt": (self.store.add(b"secret\n"), "")}, new_branch="private",
                           tags=["*bgcolor * #fec084"], comment="private work")
            history.commit("private", {"big.txt": (self.store.add(history.edited(self.store.content[content])), permission)}, comment="more private work")
            self.control(f"+sym-private-tag {history.tips['private'].name}")
        finally:
            self.store.private_now = False
        history.commit("trunk", {"public.txt": (self.store.add(b"public again\n"), "")}, comment="public after private")

    def clusters(self):
        names = [name for name in self.store.content if name not in self.store.private]
        members = sorted(names[: min(len(names) // 2, 800)])
        first = self.put(*[b"M " + m.encode() for m in members])
        other = sorted([*names[len(names) // 2:len(names) // 2 + 20], first])
        self.put(*[b"M " + m.encode() for m in other])


def fossil(*arguments, stdin=None, home):
    environment = {**os.environ, "HOME": home, "FOSSIL_HOME": home, "USER": "tester", "TZ": "UTC"}
    environment.pop("XDG_CONFIG_HOME", None)
    done = subprocess.run([FOSSIL, *arguments], input=stdin, capture_output=True, env=environment, cwd=home)
    if done.returncode:
        sys.exit(f"fossil {' '.join(arguments)} failed:\n{done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout


def insert_statements(store, order, first):
    yield b"BEGIN;\n"
    yield b"UPDATE config SET value='%s' WHERE name='project-code';\n" % PROJECT_CODE.encode()
    yield b"UPDATE config SET value='%s' WHERE name='server-code';\n" % SERVER_CODE.encode()
    yield b"UPDATE user SET pw='secret', cap='sxy' WHERE login='tester';\n"
    for name in order:
        if name == first:
            continue
        data = store.content[name]
        payload = len(data).to_bytes(4, "big") + zlib.compress(data)
        yield b"INSERT INTO blob(rcvid,size,uuid,content) VALUES(1,%d,'%s',x'%s');\n" % (len(data), name.encode(), payload.hex().encode())
        if name in store.private:
            yield b"INSERT INTO private SELECT rid FROM blob WHERE uuid='%s';\n" % name.encode()
    yield b"COMMIT;\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--checkins", type=int, default=2200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sha1", action="store_true", help="name artifacts by SHA1")
    parser.add_argument("--no-kinds", action="store_true", help="check-ins only")
    parser.add_argument("--no-reparent", action="store_true",
                        help="no parent tag: when stock meets one before its check-in, that check-in gets no event row")
    parser.add_argument("--shuffle", action="store_true", help="store the artifacts in random order")
    parser.add_argument("--dump", metavar="DIR", help="also write each artifact to a file named by its hash")
    options = parser.parse_args()
    out = os.path.abspath(options.out)

    with tempfile.TemporaryDirectory(prefix="edgesync-history-") as home:
        fossil("init", "--admin-user", "tester", "--date-override", "2020-01-01", *(["--sha1"] if options.sha1 else []), out, home=home)
        first = fossil("sql", "-R", out, stdin=b"SELECT uuid FROM blob;", home=home).decode().strip().strip("'")
        store = Store("sha1" if options.sha1 else "sha3")
        root = fossil("artifact", "-R", out, first, home=home)
        if store.add(root) != first:
            sys.exit("the root check-in has an unexpected hash")

        rng = random.Random(options.seed)
        history = History(rng, store, first, START_MS)
        history.grow(options.checkins)
        if not options.no_kinds:
            Kinds(history, options.no_reparent).everything()

        order = list(store.content)
        if options.shuffle:
            rng.shuffle(order)
        fossil("sql", "-R", out, stdin=b"".join(insert_statements(store, order, first)), home=home)
        fossil("rebuild", "--vacuum", out, home=home)

        if options.dump:
            os.makedirs(options.dump, exist_ok=True)
            for name, data in store.content.items():
                with open(os.path.join(options.dump, name), "wb") as file:
                    file.write(data)
    print(f"{out}: {len(history.all)} check-ins, {len(store.content)} artifacts, tip of trunk {history.tips['trunk'].name}")


if __name__ == "__main__":
    main()
