"""Does an exported ledger of consent hold? `python verify_consent.py ledger.jsonl [HEAD]`

Uses nothing but Python: what it checks, and how, stands in consent.md. HEAD is a hash that you
noted earlier, with the number of the event it belongs to: `8:1f3a…`.
"""

import hashlib
import json
import sys

# What lies beside an event: a salt, what was sealed with it, and their hash in the body.
APART = (("salt", "personal", "details"), ("web_salt", "web_personal", "web"))


def canonical(body: dict) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def problem(line: dict, seq: int, head: str) -> str:
    apart = {"hash"} | {key for salt, said, _kept in APART for key in (salt, said)}
    body = {key: value for key, value in line.items() if key not in apart}
    if body["format"] not in (1, 2, 3):
        return f"has format {body['format']}, and this script knows only 1 to 3"
    if body["seq"] != seq:
        return f"is missing: there comes {body['seq']}"
    if hashlib.sha256(canonical(body)).hexdigest() != line["hash"]:
        return "was changed: its fields do not give its hash"
    if body["prev"] != head:
        return "does not follow the event before it"
    for salt, said, kept in APART:
        sealed = line.get(salt, "").encode() + canonical(line.get(said, {}))
        if salt in line and hashlib.sha256(sealed).hexdigest() != body.get(kept):
            return f"has other {said} fields than were recorded"
    return ""


def main(path: str, noted: str = "") -> int:
    head, seq, want = "0" * 64, 0, dict([noted.split(":")] if noted else [])
    with open(path, encoding="ascii") as lines:
        for seq, text in enumerate(lines, start=1):
            line = json.loads(text)
            wrong = problem(line, seq, head)
            if not wrong and line["hash"] != want.pop(str(seq), line["hash"]):
                wrong = "is another than the one whose hash you noted"
            if wrong:
                print(f"BROKEN: event {seq} {wrong}")
                return 1
            head = line["hash"]
    if want:
        print(f"BROKEN: event {seq + 1} is missing: you noted {', '.join(want)}")
        return 1
    print(f"{seq} events hold. Head: {seq}:{head}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
