"""Do Twilio's published signature vectors hold, and is everything else refused?"""

import pytest
from django.http import QueryDict

from inbox.twilio.signature import is_signed

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "Caller": "+14158675309",
    "To": "+18005551212",
}
SHARED = {"webhooks_sharedkey_1": TOKEN}


def _signed(
    signature: str, *, url: str = URL, form: object = FORM, header: str = "", **keys: object
) -> bool:
    headers = {"X-Twilio-Signature": signature}
    if header:
        headers["X-Twilio-Webhooks-Signature-Settings"] = header
    options = {"tokens": [TOKEN], "shared_keys": SHARED, **keys}
    return is_signed(url=url, params=form, headers=headers, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (URL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL.replace("https", "http").replace(".com", ".com:1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (URL.replace("https", "http"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (URL.replace("//", "//user:pass@"), "CukzLTc1tT5dXEDIHm/tKBanW10="),
        (URL.replace("//", "//user@"), "2YRLlVAflCqxaNicjMpJcSTgzSs="),
    ],
)
def test_published_vectors_hold(url: str, signature: str) -> None:
    assert _signed(signature, url=url)


def test_repeated_values_are_sorted_and_counted_once() -> None:
    form = QueryDict("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234")

    assert _signed("IK+Dwps556ElfBT0I3Rgjkr1wJU=", form=form)


def test_the_next_token_is_accepted_during_a_rotation() -> None:
    assert _signed("RSOYDt4T1cUTdK1PDd93/VVr8B8=", tokens=["old", TOKEN])


def test_a_shared_key_signs_with_sha256() -> None:
    header = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"

    assert _signed("033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=", header=header, tokens=[])


@pytest.mark.parametrize(
    ("signature", "options"),
    [
        ("", {}),
        ("nonsense", {}),
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", {"tokens": ["other"]}),
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", {"tokens": ["", ""]}),
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", {"url": URL + "&x=1"}),
        ("RSOYDt4T1cUTdK1PDd93/VVr8B8=", {"form": {**FORM, "Digits": "9"}}),
        (
            "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=",
            {"header": "key=unknown,algorithm=HMAC_SHA256"},
        ),
        ("033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=", {"header": "algorithm=HMAC_MD5"}),
    ],
)
def test_everything_else_is_refused(signature: str, options: dict[str, object]) -> None:
    assert not _signed(signature, **options)  # type: ignore[arg-type]
