"""Does the demo hold together: what its page shows and what its carrier knows?"""

from datetime import datetime

import pytest
from django.test import override_settings

from inbox import demo_data
from inbox.models import Conversation

pytestmark = pytest.mark.django_db


@override_settings(DEMO=True)
def test_the_carrier_knows_who_wrote_on_whatsapp(now: datetime) -> None:
    demo_data.load(demo_data.DemoSecrets("a-long-password", "1" * 32, "2" * 32), now=now)
    demo_data.load_conversations(now=now)

    windows = demo_data.simulator_config()["windows"]

    known = {(one["sender"], one["customer"]): one["last_inbound_at"] for one in windows}
    rows = Conversation.objects.filter(thread__address__family="whatsapp")
    assert rows.count() == len(known) == 2
    for row in rows.select_related("thread"):
        assert row.thread.last_inbound_at is not None
        at = known["whatsapp:+15550100002", row.thread.address.raw]
        assert at == row.thread.last_inbound_at.timestamp()
