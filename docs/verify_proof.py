"""Does a proof pack of consents hold? `python verify_proof.py PACK.zip [--noted N:HASH] …`

Uses nothing but Python: what it checks, and how, stands in consent.md. `--noted` is what you noted
earlier of the ledger: the number of an event and its hash, or that of all hashes so far.
`--ledger` is an export of the whole ledger; with it nothing of anybody can have been left out.
Exit 0: it holds. 1: the first bad thing was named. 2: this is no pack, or cannot be read.
"""

import argparse
import csv
import hashlib
import io
import json
import sys
import zipfile

APART = ("hash", "personal", "salt", "web_personal", "web_salt", "unreadable")
FORMATS = (1, 2, 3)
NEEDED = ("events.jsonl", "events.csv", "decisions.jsonl", "hashes.txt", "chain.json", "proof.html")


class Broken(Exception):
    """Something is not as it was recorded."""


def canonical(body):
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def check(is_right, words):
    if not is_right:
        raise Broken(words)


# --- The files of the pack ---


def sum_of(pack, name):
    digest = hashlib.sha256()
    with pack.open(name) as file:
        while piece := file.read(1 << 16):
            digest.update(piece)
    return digest.hexdigest()


def check_files(pack):
    names = pack.namelist()
    check(len(names) == len(set(names)), "a file is in the pack twice")
    check("manifest.json" in names, "manifest.json is missing")
    sums = json.loads(pack.read("manifest.json"))["files"]
    for name in sorted({*NEEDED, *sums}):
        check(name in names, f"{name} is missing")
        check(name in sums, f"{name} is not in the manifest")
        check(sum_of(pack, name) == sums[name], f"{name} was changed: its sum is another one")
    strange = sorted(set(names) - set(sums) - {"manifest.json"})
    check(not strange, f"{', '.join(strange)}: not in the manifest")


def lines_of(pack, name):
    with pack.open(name) as file:
        for number, line in enumerate(io.TextIOWrapper(file, "ascii"), start=1):
            try:
                yield json.loads(line)
            except ValueError:
                raise Broken(f"{name}, line {number} cannot be read") from None


# --- The hashes of the whole ledger ---


def hashes_of(pack, chain, noted):
    """Return every hash, and compare all that was noted of them."""
    hashes, digest = ["0" * 64], hashlib.sha256()
    wanted = {}
    for one in chain["noted"]:
        said = [one["head"], one["hashes_sha256"] or None]
        wanted.setdefault(one["seq"], []).append(("the audit log", said))
    for seq, said in noted:
        wanted.setdefault(seq, []).append(("you", [said]))
    with pack.open("hashes.txt") as file:
        for seq, line in enumerate(file, start=1):
            one = line.decode("ascii").rstrip("\n")
            digest.update(line)
            hashes.append(one)
            for who, said in wanted.pop(seq, []):
                found = {one, digest.hexdigest()}
                check(
                    all(value in found for value in said if value),
                    f"event {seq} is another than {who} noted: the ledger was rewritten",
                )
    check(not wanted, f"event {min(wanted, default=0)} is missing: it was noted")
    check(len(hashes) - 1 == chain["seq"], f"hashes.txt has not {chain['seq']} lines")
    check(hashes[-1] == chain["head"], "the last hash is not the head of the ledger")
    check(digest.hexdigest() == chain["hashes_sha256"], "hashes.txt is not what chain.json says")
    return hashes


# --- Events ---


def check_event(line, hashes):
    body = {key: value for key, value in line.items() if key not in APART}
    seq, which = body["seq"], f"event {body['seq']}"
    check(body["format"] in FORMATS, f"{which} has format {body['format']}: 1 to 3 are known")
    check(sha256(canonical(body)) == line["hash"], f"{which} was changed: its hash is another one")
    check(0 < seq < len(hashes), f"{which} is not in the ledger")
    check(hashes[seq] == line["hash"], f"{which} is not the one that the ledger has")
    check(hashes[seq - 1] == body["prev"], f"{which} does not follow the event before it")
    if "salt" in line or "personal" in line:
        sealed = line.get("salt", "").encode() + canonical(line.get("personal"))
        right = sha256(sealed) == body["details"]
        check(right, f"{which} has other personal fields than were recorded")
    if "web_salt" in line or "web_personal" in line:
        sealed = line.get("web_salt", "").encode() + canonical(line.get("web_personal"))
        right = sha256(sealed) == body.get("web")
        check(right, f"{which} has other web evidence than was recorded")


def check_wording(pack, line):
    shown = line.get("personal", {}).get("wording_text", "")
    if not shown:
        return
    name = f"wordings/{line['wording_sha256']}.txt"
    check(name in pack.namelist(), f"event {line['seq']}: {name} is missing")
    right = sha256(pack.read(name)) == line["wording_sha256"]
    check(right, f"event {line['seq']}: {name} is not the wording that was shown")


def check_events(pack, chain, hashes):
    """Check each event and, by the number of the one before it, that none was left out."""
    handles, numbers = chain["of"].get("handles"), chain["of"].get("numbers")
    last, count, erased, lasts = 0, 0, 0, {}
    table = io.TextIOWrapper(pack.open("events.csv"), "utf-8-sig", newline="")
    rows = csv.DictReader(table)
    for line in lines_of(pack, "events.jsonl"):
        seq, handle = line["seq"], line["handle"]
        check(seq > last, f"event {seq} comes after event {last}: the order was changed")
        check_event(line, hashes)
        check(line["account"] == chain["account"], f"event {seq} is another account's")
        if handles is not None:
            check(handle in handles, f"event {seq} is somebody else's")
            before, words = lasts.get(handle), line["previous"]
            check(before == words, f"event {words or before} is missing before event {seq}")
            lasts[handle] = seq
        else:
            check(seq == (last + 1 if last else numbers[0]), f"an event before {seq} is missing")
        check_wording(pack, line)
        row = next(rows, {})
        same = (row.get("seq"), row.get("hash")) == (str(seq), line["hash"])
        check(same, f"event {seq} stands otherwise in events.csv")
        last, count, erased = seq, count + 1, erased + ("personal" not in line)
    if handles is None:
        check(last == numbers[1], f"events after {last} are missing")
    else:
        gone = [seq for handle, seq in handles.items() if lasts.get(handle) != seq]
        check(not gone, f"event {min(gone, default=0)} is missing at the end")
    check(next(rows, None) is None, "events.csv has more events")
    check((count, erased) == (chain["events"], chain["erased"]), "chain.json counts otherwise")
    return count, erased


def check_whole_ledger(path, chain, hashes):
    handles, numbers = chain["of"].get("handles"), chain["of"].get("numbers")
    lasts, seq = {}, 0
    with open(path, encoding="ascii") as lines:
        for seq, text in enumerate(lines, start=1):
            line = json.loads(text)
            if seq < len(hashes):
                check_event({key: line[key] for key in line if key not in APART[1:]}, hashes)
                check(line["seq"] == seq, f"event {seq} of the ledger is missing")
                lasts[line["handle"]] = seq
    check(seq >= chain["seq"], f"the ledger has only {seq} events")
    for handle in handles or {}:
        late = lasts.get(handle) != handles[handle]
        check(not late, f"event {lasts.get(handle)} is missing in the pack: it is theirs too")
    check(numbers is None or numbers[1] <= seq, "the pack has events that the ledger has not")


def verify(path, noted, ledger):
    with zipfile.ZipFile(path) as pack:
        check_files(pack)
        chain = json.loads(pack.read("chain.json"))
        check(chain["format"] == 1, f"the pack has format {chain['format']}: only 1 is known")
        hashes = hashes_of(pack, chain, noted)
        count, erased = check_events(pack, chain, hashes)
        decisions = sum(1 for _ in lines_of(pack, "decisions.jsonl"))
        check(decisions == chain["decisions"], "decisions.jsonl has not all decisions")
        if ledger:
            check_whole_ledger(ledger, chain, hashes)
        told = chain["verification"]
    words = f"{count} events hold" + (f", {erased} of them erased" if erased else "")
    print(f"{words}. Ledger: {chain['seq']} events, head {chain['head']}.")
    print(f"All hashes: {chain['seq']}:{chain['hashes_sha256']}")
    if not told["is_whole"]:
        raise Broken(f"the whole ledger was not whole when this was made: {told['problem']}")


def point(text):
    number, _, value = text.partition(":")
    return int(number), value.lower()


def main(words):
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("pack")
    asked.add_argument("--noted", action="append", type=point, default=[], metavar="N:HASH")
    asked.add_argument("--ledger")
    asked = asked.parse_args(words)
    try:
        verify(asked.pack, asked.noted, asked.ledger)
    except Broken as broken:
        print(f"BROKEN: {broken}")
        return 1
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"This is no pack, or it cannot be read: {type(error).__name__}: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
