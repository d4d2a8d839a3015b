"""PostgreSQL learns that an inbox, and who has a conversation, belong to one account.

Without, it takes the three for independent of each other, expects a hundredth of the rows that an
account has in an inbox, and begins its plans at the wrong end.
"""

from typing import Any, ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    """The next ANALYZE, which PostgreSQL does by itself, fills them."""

    dependencies: ClassVar[list[Any]] = [("inbox", "0033_second_person")]

    operations: ClassVar[list[Any]] = [
        migrations.RunSQL(
            "CREATE STATISTICS conversation_belongs (dependencies)"
            " ON account_id, inbox_id, owner_id FROM inbox_conversation",
            "DROP STATISTICS conversation_belongs",
        )
    ]
