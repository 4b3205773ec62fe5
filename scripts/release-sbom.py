"""usage: release-sbom.py FILE PACKS_VERSION SQLITE_VERSION
Completes the SBOM that CycloneDX made of the NuGet packages by what the native link takes from elsewhere: .NET's runtime
packs (with their zlib-ng, brotli and, loaded at run time, OpenSSL) and the distribution's SQLite in the place of the
package's own library."""
import json
import sys


def component(name, version, purl, license_id, description):
    return {
        "type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, "scope": "required",
        "description": description, "licenses": [{"license": {"id": license_id}}],
    }


def main():
    path, packs, sqlite = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        bom = json.load(file)
    gone = {c["bom-ref"] for c in bom["components"] if c["name"] == "SourceGear.sqlite3"}
    bom["components"] = [c for c in bom["components"] if c["bom-ref"] not in gone]
    for name, what in (
        ("Microsoft.NETCore.App.Runtime.NativeAOT", "runtime and base library, linked in; contains zlib-ng and brotli"),
        ("Microsoft.AspNetCore.App.Runtime", "Kestrel, linked in"),
    ):
        bom["components"].append(component(name, packs, f"pkg:nuget/{name}@{packs}", "MIT", what))
    bom["components"].append(component(
        "sqlite", sqlite, f"pkg:generic/sqlite@{sqlite}", "blessing", "linked in from the distribution's static archive"))
    root = bom["metadata"]["component"]["bom-ref"]
    for entry in bom.get("dependencies", []):
        entry["dependsOn"] = [ref for ref in entry.get("dependsOn", []) if ref not in gone]
        if entry["ref"] == root:
            entry["dependsOn"] += [c["bom-ref"] for c in bom["components"][-3:]]
    bom["dependencies"] = [entry for entry in bom.get("dependencies", []) if entry["ref"] not in gone]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(bom, file, indent=2)
        file.write("\n")


main()
