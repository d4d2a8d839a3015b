"""Which conversations does a word or a number lead to?"""

import re

from django.db.models import Exists, OuterRef, Q

from inbox.models import ContactAddress, Message
from inbox.models.conversation import ConversationQuerySet

LONGEST = 80
FEWEST_DIGITS = 3


def search(conversations: ConversationQuerySet, words: str) -> ConversationQuerySet:
    """Keep conversations whose customer's name, number or text holds these words.

    Give it what the reader may see: it only narrows.
    """
    text = " ".join(words.split())[:LONGEST]
    if not text:
        return conversations
    said = Message.objects.filter(conversation=OuterRef("pk"), body__icontains=text)
    found = Q(contact__name__icontains=text) | Q(contact__profile_name__icontains=text)
    found |= Q(Exists(said))
    digits = re.sub(r"\D", "", text)
    if len(digits) >= FEWEST_DIGITS and not re.search(r"[^\W\d]", text):
        numbers = ContactAddress.objects.filter(contact=OuterRef("contact"), phone__contains=digits)
        found |= Q(Exists(numbers))
    return conversations.filter(found)
