"""The report's file: sections that begin with "## ", each written by one script and replaced as a whole."""

import os
import platform
import subprocess

TITLE = """# Benchmarks

Our program and the real peer side by side, by turns, in one run of `scripts/bench.sh` or of its verbs `nats`, `fleet`,
`checkout`, `iroh`, `can`, `web` and `notify`: medians, ours / theirs. Written by that script; not edited by hand.
"""


def machine():
    """Where the figures come from, in one line."""
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), platform.processor())
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo", encoding="ascii") if line.startswith("MemTotal"))
    system = subprocess.run(["sh", "-c", ". /etc/os-release; echo $PRETTY_NAME"], capture_output=True, text=True, check=False)
    return (f"{model}, {os.cpu_count()} processors, {memory / 1048576:.0f} GB, {system.stdout.strip()}, "
            f"Linux {platform.release().split('-')[0]}")


def sections(path):
    """What the file holds: [title, text] pairs in order, without the page's own head."""
    if not os.path.exists(path):
        return []
    parts = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("## "):
                parts.append([line[3:].strip(), ""])
            elif parts:
                parts[-1][1] += line
    return parts


def write(path, title, lines, keeps=lambda title: True):
    """Replaces the section of that title, or adds it; other sections stay when `keeps` says so."""
    text = "\n" + "\n".join(lines).strip("\n") + "\n"
    old = [part for part in sections(path) if part[0] == title or keeps(part[0])]
    if title in [part[0] for part in old]:
        new = [[name, text if name == title else body] for name, body in old]
    else:
        new = [*old, [title, text]]
    with open(path, "w", encoding="utf-8") as file:
        file.write(TITLE + "".join(f"\n## {name}\n\n{body.strip(chr(10))}\n" for name, body in new))


def row(name, *values):
    """A line of a table."""
    return f"| {name} | " + " | ".join(f"{v:,.2f}" if isinstance(v, float) else str(v) for v in values) + " |"


def write_part(path, title, names, name, lines):
    """Replaces one part ("### ") of a section whose other parts stay as they are; `names` is their order."""
    body = next((text for other, text in sections(path) if other == title), "")
    parts = {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip("\n") for part in f"\n{body}".split("\n### ")[1:]}
    parts[name] = "\n".join(lines).strip("\n")
    write(path, title, [f"### {other}\n\n{parts[other]}\n" for other in names if other in parts])
