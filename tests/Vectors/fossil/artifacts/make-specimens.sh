#!/usr/bin/env bash
# Makes one specimen of every artifact kind with stock Fossil, into ./specimens. Needs: fossil 2.21, python3.
# Dates of wiki, ticket, technote and attachment artifacts are those of the run; the rest is fixed by options.
set -euo pipefail
out=$(cd "$(dirname "$0")" && pwd)/specimens
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export HOME="$work" USER=tester
cd "$work"
mkdir -p "$out" tree
f() { fossil "$@" >/dev/null 2>&1 </dev/null || { echo "failed: fossil $*" >&2; exit 1; }; }
f init --date-override 2024-01-01 r.fossil
cd tree
f open ../r.fossil --nosync
f settings autosync off
f settings allow-symlinks on
keep() { fossil artifact "$2" > "$out/$1.txt"; }
tip() { fossil info tip | sed -n 's/^hash: *\([0-9a-f]*\).*/\1/p'; }
newest() { fossil sql "SELECT uuid FROM blob ORDER BY rid DESC LIMIT 1" | tr -d "'" | head -1; }
keep checkin-initial "$(tip)"

mkdir -p src doc; echo 'int main;' > src/main.c; echo hello > hello.txt; printf 'a\tb' > 'a b.txt'; echo 1 > 'a!.txt'; echo 2 > 'back\slash' || true
rm -f 'back\slash'; echo x > run.sh; chmod +x run.sh; ln -s hello.txt link; for i in $(seq 20); do echo "$i" > "doc/$i.md"; done
f add .
f commit -m "First files, with exec, symlink and spaces" --date-override 2024-01-02 --no-warnings --allow-fork
keep checkin-files "$(tip)"
f mv run.sh bin.sh --hard; f mv hello.txt "new name.txt" --hard; f rm doc/3.md --hard
f commit -m $'Renames\tand a removal\nin two lines \\ with a backslash' --date-override 2024-01-03 --no-warnings
keep checkin-renames "$(tip)"
echo more >> src/main.c
f commit -m "On a branch" --branch side --bgcolor '#aabbcc' --tag one --tag two --date-override 2024-01-04 --no-warnings
keep checkin-branch "$(tip)"; side=$(tip)
f update trunk
echo other > other.txt; f add other.txt
f commit -m "Trunk goes on" --date-override 2024-01-05 --no-warnings
f merge --cherrypick "$side"; f commit -m "Takes one change" --date-override 2024-01-06 --no-warnings
keep checkin-cherrypick "$(fossil info current | sed -n 's/^hash: *\([0-9a-f]*\).*/\1/p')"
f merge --integrate side; f commit -m "Integrates side" --date-override 2024-01-07 --no-warnings
keep checkin-integrate "$(fossil info current | sed -n 's/^hash: *\([0-9a-f]*\).*/\1/p')"
echo delta >> doc/4.md; f rm doc/5.md --hard
f commit -m "As a delta" --delta --date-override 2024-01-08 --no-warnings --mimetype text/plain
keep checkin-delta "$(fossil info current | sed -n 's/^hash: *\([0-9a-f]*\).*/\1/p')"
f settings repo-cksum off
echo private > private.txt; f add private.txt
f commit -m "Private" --private --date-override 2024-01-09 --no-warnings
keep checkin-private "$(fossil info current | sed -n 's/^hash: *\([0-9a-f]*\).*/\1/p')"
f update trunk

f branch new feature trunk --date-override 2024-01-10; keep checkin-branch-new "$(newest)"
f tag add v1.0 trunk --date-override 2024-01-11; keep control-tag "$(newest)"
f tag add --raw --propagate note trunk "some value" --date-override 2024-01-12; keep control-raw "$(newest)"
f tag cancel v1.0 trunk --date-override 2024-01-13; keep control-cancel "$(newest)"
f amend trunk -m "Another comment" --author other --date 2024-02-02T03:04:05 --bgcolor '#112233' --tag extra --date-override 2024-01-14
keep control-amend "$(newest)"
f amend feature --branch renamed --hide --close --date-override 2024-01-15; keep control-branch "$(newest)"
printf 'wiki text [/info/0123456789|x]\n' > ../page; f wiki create "My Page" ../page; keep wiki-first "$(newest)"
printf '# md\n' > ../page; f wiki commit "My Page" ../page --mimetype text/x-markdown; keep wiki-second "$(newest)"
: > ../page; f wiki commit "My Page" ../page; keep wiki-empty "$(newest)"
printf 'note body\n' > ../page; f wiki create "Note title" ../page --technote "2024-01-16 10:11:12" --technote-tags "x y" --technote-bgcolor '#eeeeee'
keep technote "$(newest)"
f wiki commit "Note title 2" ../page --technote "2024-01-16 10:11:12"; keep technote-second "$(newest)"
f ticket add type Code_Defect title "T one" status Open comment "first line"; keep ticket-new "$(newest)"
ticket=$(fossil sql "SELECT tkt_uuid FROM ticket LIMIT 1" | tr -d "'")
f ticket set "$ticket" +comment "more words" resolution Fixed title ""; keep ticket-change "$(newest)"
echo att > ../att.txt; f attachment add "My Page" ../att.txt; keep attachment "$(newest)"
for i in $(seq 120); do echo "$i" > "doc/x$i.md"; done; f add doc
f commit -m "Many" --date-override 2024-03-01 --no-warnings
cd ..; f rebuild --cluster r.fossil
cd tree; keep cluster "$(fossil sql "SELECT uuid FROM blob JOIN tagxref USING(rid) WHERE tagid=7 ORDER BY rid DESC LIMIT 1" | tr -d "'")"

# Forum posts, a removed attachment and signed texts have no command; written by hand here, judged by stock below.
python3 - "$out" <<'P'
import hashlib, sys, pathlib
out = pathlib.Path(sys.argv[1])
def put(name, cards):
    text = cards.encode()
    z = hashlib.md5(text).hexdigest()
    (out / (name + '.txt')).write_bytes(text + b'Z ' + z.encode() + b'\n')
    return hashlib.sha3_256(text + b'Z ' + z.encode() + b'\n').hexdigest()
root = put('forum-root', 'D 2024-02-01T00:00:00.000\nH First\\sthread\nN text/x-markdown\nU tester\nW 5\nhello\n')
reply = put('forum-reply', f'D 2024-02-02T00:00:00.000\nG {root}\nI {root}\nN text/x-markdown\nU tester\nW 3\nyes\n')
put('forum-edit', f'D 2024-02-03T00:00:00.000\nG {root}\nH New\\stitle\nN text/x-markdown\nP {root}\nU tester\nW 6\nedited\n')
put('forum-delete', f'D 2024-02-04T00:00:00.000\nG {root}\nI {root}\nP {reply}\nU tester\nW 0\n\n')
put('attachment-removed', 'A att.txt My\\sPage\nC Gone\nD 2024-02-05T00:00:00.000\nU tester\n')
put('technote-old-order', 'C Old\nD 2020-01-01T00:00:00.000\nE 2020-01-01T00:00:00 ' + 'ab' * 20 + '\nP ' + 'cd' * 20 +
    '\nN text/plain\nU tester\nW 3\nold\n')
put('checkin-empty-parents', 'C first\nD 2008-01-01T00:00:00\nP\nU drh\n')
inner = (out / 'checkin-files.txt').read_bytes()
(out / 'checkin-signed.txt').write_bytes(b'-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n' + inner +
    b'-----BEGIN PGP SIGNATURE-----\n\niHUEARYKAB0WIQ\n=abcd\n-----END PGP SIGNATURE-----\n')
P
for f in "$out"/*.txt; do
  fossil test-parse-manifest "$f" 2>&1 | grep -q 'manifest_parse() worked' || { echo "stock refuses $f"; exit 1; }
done
ls "$out" | wc -l
