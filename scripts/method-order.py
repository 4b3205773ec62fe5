#!/usr/bin/env python3
"""Writes build/method-order.txt: the methods that short commands run, in the order in which they first run them.

    EDGESYNC_SYMBOLS=1 scripts/publish.sh && scripts/method-order.py

The compiler places these methods side by side at the start of the code (build/Aot.props), so that a command reads few
pages of a large file. qemu's user emulation says which blocks of code each command ran; the symbols of the file say which
methods they are. Names that a later version of the program does not have are ignored by the compiler.
"""

import bisect
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.environ.get("EDGESYNC_BIN", os.path.join(ROOT, "bin", "edgesync"))
SYMBOLS = os.environ.get("EDGESYNC_DBG", os.path.join(ROOT, "artifacts", "publish", "linux-x64", "edgesync.dbg"))
TARGET = os.path.join(ROOT, "build", "method-order.txt")
BLOCK = re.compile(rb"^IN:[^\n]*\n0x([0-9a-f]+):", re.MULTILINE)

# Run in a checkout. `!` before the name: called as fossil. What a line needs, the lines before it have made.
COMMANDS = """
repo ls tip -R ../history.fossil
repo timeline -n 20 -R ../history.fossil
repo info -R ../history.fossil
repo cat {file} -r trunk -R ../history.fossil
repo search anchor --in comments -n 20 -R ../history.fossil
repo verify -R ../history.fossil
open ../history.fossil --force
repo status
changes
!status
!timeline -n 20
!timeline -n 20 -t ci
!update prev
!update trunk
!diff
diff
repo diff
extras
!annotate {file} -n none
annotate {file}
finfo {file}
add added.txt
!commit -m one --no-warnings
commit -m two --no-warnings
stash save -m x
stash pop
undo
revert
repo branch ls -R ../history.fossil
repo rebuild -R ../history.fossil
repo ci added.txt -m three -R ../history.fossil
repo export --git -R ../history.fossil -o ../history.git
repo import --git ../imported.fossil ../history.git
repo status --json
close --force
""".split("\n")


def method_table():
    """Addresses of methods and their names, sorted."""
    sections = subprocess.check_output(["readelf", "-SW", BINARY], text=True)
    start, size = re.search(r"__managedcode\s+PROGBITS\s+(\w+) \w+ (\w+)", sections).groups()
    start, end = int(start, 16), int(start, 16) + int(size, 16)
    methods = {}
    for line in subprocess.check_output(["nm", SYMBOLS], text=True).splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[1] in "tT" and start <= int(parts[0], 16) < end:
            methods.setdefault(int(parts[0], 16), []).append(parts[2])
    return sorted(methods.items()), end


def trace(words, program, folder, env, log):
    """The exit code of a command, and the addresses of the blocks of code that it ran, in order."""
    done = subprocess.run(
        ["qemu-x86_64-static", "-cpu", "max", "-d", "in_asm", "-D", log, program, *words], cwd=folder, env=env,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False, timeout=300)
    with open(log, "rb") as file:
        return done.returncode, [int(match.group(1), 16) for match in BLOCK.finditer(file.read())]


def main():
    methods, end = method_table()
    starts = [start for start, _ in methods]
    runs, first = {}, {}
    work = tempfile.mkdtemp(prefix="edgesync-order-")
    try:
        env = {**os.environ, "HOME": work, "USER": "tester", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "make-history.py"),
                        os.path.join(work, "history.fossil"), "--checkins", "60"],
                       check=True, stdout=subprocess.DEVNULL, env=env)
        folder, called = os.path.join(work, "checkout"), os.path.join(work, "called", "fossil")
        os.makedirs(folder)
        os.makedirs(os.path.dirname(called))
        os.symlink(os.path.abspath(BINARY), called)
        listed = subprocess.check_output(
            [BINARY, "repo", "ls", "trunk", "-R", "../history.fossil"], text=True, cwd=folder, env=env)
        name = next(line for line in listed.splitlines() if re.fullmatch(r"src/\S+\.(c|h|md|txt)", line))
        for command in filter(None, COMMANDS):
            if command.startswith(("!diff", "add ")):
                with open(os.path.join(folder, "added.txt"), "a", encoding="ascii") as file:
                    file.write("one line more\n")
                with open(os.path.join(folder, name), "a", encoding="ascii") as file:
                    file.write("one line more\n")
            words = command.lstrip("!").replace("{file}", name).split()
            status, blocks = trace(
                words, called if command.startswith("!") else BINARY, folder, env, os.path.join(work, "log"))
            ran = {}
            for address in blocks:
                at = bisect.bisect_right(starts, address) - 1
                if at >= 0 and address < end:
                    ran[starts[at]] = None
            for method in ran:
                first.setdefault(method, len(first))
                runs[method] = runs.get(method, 0) + 1
            print(f"{len(ran):6} methods, {len(first):6} in all: {command}" + (f" (exit {status})" if status else ""),
                  file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)

    # What all commands run stands first.
    names = dict(methods)
    order = sorted(first, key=lambda method: (-runs[method], first[method]))
    with open(TARGET, "w", encoding="ascii") as file:
        file.writelines(f"{names[method][0]}\n" for method in order)
    print(f"{TARGET}: {len(order)} methods", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
