"""Is the signature Twilio's?"""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from twilio.request_validator import RequestValidator

from inbox.twilio.simulator.signing import body_digest, sign, sign_json
from tests.simulator.conftest import DATA

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TOKEN = "12345"
CALL = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "Caller": "+14158675309",
    "To": "+18005551212",
}
PLAIN = "/myapp.php?foo=1&bar=2"
VECTORS = [
    (f"https://mycompany.com{PLAIN}", CALL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (f"http://mycompany.com:1234{PLAIN}", CALL, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    (f"https://mycompany.com:443{PLAIN}", CALL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    (f"http://mycompany.com:80{PLAIN}", CALL, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    (f"https://user:pass@mycompany.com{PLAIN}", CALL, "CukzLTc1tT5dXEDIHm/tKBanW10="),
    (f"https://user:pass@mycompany.com:443{PLAIN}", CALL, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
    (f"https://user@mycompany.com{PLAIN}", CALL, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
    (
        URL,
        {"Sid": "CA123", "SidAccount": "AC123", "Digits": ["5678", "1234", "1234"]},
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
    ),
    (
        URL,
        {"MessagingBinding.Address": ["+1325xxxxxxx", "+1415xxxxxxx"]},
        "83O6e2vORAoJHUNzJjDWN1jz+BA=",
    ),
    (
        URL,
        {"MessagingBinding.Address": ["+1415xxxxxxx", "+1325xxxxxxx"]},
        "83O6e2vORAoJHUNzJjDWN1jz+BA=",
    ),
    (
        URL,
        {**CALL, "From": "+12349013030", "Caller": "+12349013030"},
        "0/KCTR6DLpKmkAf8muzZqo1nDgQ=",
    ),
]
ARCHIVE = json.loads((DATA / "twilio_payloads.json").read_text())


@pytest.mark.parametrize(("url", "params", "expected"), VECTORS)
def test_every_published_vector_is_reproduced(url, params, expected):
    assert sign(TOKEN, url, params) == expected


def test_a_json_body_is_signed_through_its_digest_in_the_url():
    body = b'{"property": "value", "boolean": true}'
    digest = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    assert body_digest(body) == digest
    assert sign_json(TOKEN, f"{URL}&bodySHA256={digest}") == "a9nBmqA0ju/hNViExpshrM61xv4="


def test_a_shared_key_signs_with_sha_256():
    signature = sign(TOKEN, URL, CALL, "HMAC_SHA256")
    assert signature == "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="


def test_the_fragment_is_not_signed():
    assert sign(TOKEN, f"{URL}#rc=3&rp=ct", CALL) == sign(TOKEN, URL, CALL)


@pytest.mark.parametrize("entry", ARCHIVE["payloads"], ids=lambda entry: entry["id"])
def test_every_payload_of_the_archive_gets_the_signature_that_the_node_library_made(entry):
    token, signed = ARCHIVE["signature_oracle"]["auth_token"], entry["signed"]
    params = entry["params"] if entry["method"] == "POST" else {}
    assert sign(token, signed["url"], params) == signed["signature"]
    assert RequestValidator(token).validate(signed["url"], params, signed["signature"])


def test_the_library_accepts_our_signature_whatever_the_text():
    texts = ["", " spaces ", "line\r\nline", "a&b=c+%", "👍🏽 مرحبا", "x" * 1600]
    for text in texts:
        params = {"Body": text, "Blank": "", "To": "+14155550100"}
        signature = sign(TOKEN, URL, params)
        assert RequestValidator(TOKEN).validate(URL, params, signature)
        assert not RequestValidator("other").validate(URL, params, signature)


def test_the_query_of_a_get_is_part_of_the_url():
    query = "Body=Hello%20there&From=%2B14155550100"
    url = f"https://example.com/hook?{query}"
    assert RequestValidator(TOKEN).validate(url, {}, sign(TOKEN, url, {}))
    assert dict(parse_qsl(urlsplit(url).query))["Body"] == "Hello there"
