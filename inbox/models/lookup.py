"""What did a CRM say of a contact, and when?"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Account
from inbox.models.contact import Contact
from routing.models import CrmConnector


class CrmAnswer(models.Model):
    """The last answer of one connector about one contact; used again for some minutes.

    `question` tells what was asked, by its hash: an answer about another number of the contact, or
    by an older definition, is none. Only answers are kept: who failed is asked again.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="crm_answers")
    connector = models.ForeignKey(CrmConnector, on_delete=models.CASCADE, related_name="+")
    question = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    left_out = ArrayField(models.CharField(max_length=80), default=list)
    answered_at = models.DateTimeField()

    class Meta:
        verbose_name = "CRM answer"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["contact", "connector"], name="one_answer_per_contact_and_connector"
            ),
        ]

    def __str__(self) -> str:
        return f"Answer {self.pk}"
