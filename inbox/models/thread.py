"""What is said between one of our senders and one customer address, for ever?"""

from typing import ClassVar

from django.db import models

from accounts.models import Account
from inbox.models.contact import Contact, ContactAddress
from inbox.models.ids import public_id
from inbox.models.sender import Sender


class Thread(models.Model):
    """All messages between one sender and one customer address, numbered without a gap.

    `last_seq` is raised in the same statement that locks the row; whoever holds the lock orders
    the thread.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="threads")
    address = models.ForeignKey(ContactAddress, on_delete=models.PROTECT, related_name="threads")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="threads")
    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    our_address = models.CharField(max_length=120, help_text="The number they wrote to")
    customer_address = models.CharField(max_length=120, help_text="Where answers go, as written")
    last_seq = models.BigIntegerField(default=0)
    last_inbound_seq = models.BigIntegerField(default=0)
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    last_words_at = models.DateTimeField(
        null=True, blank=True, help_text="When they last wrote what was no keyword"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["sender", "address"], name="one_thread_per_sender_and_address"
            ),
        ]

    def __str__(self) -> str:
        return f"Thread {self.pk}"
