"""Is an opt-in that is given elsewhere asked about once, and does it count only after a yes?"""

from datetime import datetime
from typing import Any

from accounts.models import Account, User
from compliance.addresses import parse_address
from compliance.asking_settings import Asking, change_asking
from compliance.evidence import EventKind, Evidence, Source, Wording
from compliance.policies import policy_row
from tests.flows.test_together import MARIA

FORM = Evidence(
    EventKind.GRANT,
    Source.WEB_FORM,
    basis="express_written",
    wording=Wording("newsletter", "3", "en", "Yes, text me offers of Fabrikam."),
    page_url="https://fabrikam.example/news",
    ip="203.0.113.5",
)
HERS = parse_address(MARIA)


def settle_asking(account: Account, by: User, now: datetime, **wanted: Any) -> None:
    """Let an account settle how it asks."""
    version = policy_row(account).version
    change_asking(account=account, wanted=Asking(**wanted), version=version, by=by, now=now)
