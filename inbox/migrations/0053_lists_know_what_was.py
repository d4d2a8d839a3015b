from typing import Any, ClassVar

from django.db import migrations

# The keys of consents: SMS and RCS of one number share theirs.
OPTED_OUT = """
UPDATE inbox_conversation AS one SET is_opted_out = TRUE
FROM inbox_thread AS thread
JOIN inbox_contactaddress AS address ON address.id = thread.address_id
JOIN compliance_consent AS consent
  ON consent.account_id = thread.account_id
  AND consent.programme = '*'
  AND consent.state = 'opted_out'
  AND consent.address
    = CASE WHEN address.family = 'rcs' THEN 'sms' ELSE address.family END
      || substring(address.key FROM position(':' IN address.key))
WHERE one.thread_id = thread.id AND one.status <> 'closed'
"""
DUE = """
UPDATE inbox_conversation AS one SET due_at = timer.due_at
FROM (
  SELECT conversation_id, wait_generation, min(due_at) AS due_at
  FROM inbox_escalationtimer WHERE next_at IS NOT NULL GROUP BY 1, 2
) AS timer
WHERE timer.conversation_id = one.id
  AND timer.wait_generation = one.wait_generation
  AND one.waiting_since IS NOT NULL
"""


class Migration(migrations.Migration):
    """Conversations that are open know who has opted out, and when help is due."""

    dependencies: ClassVar[list[Any]] = [
        ("inbox", "0052_lists_show_more"),
        ("compliance", "0016_web_evidence_apart"),
    ]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(OPTED_OUT, migrations.RunSQL.noop),
        migrations.RunSQL(DUE, migrations.RunSQL.noop),
    ]
