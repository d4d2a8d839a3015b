"""How does a template say a sentence that was made in English? `{{ refusal.reason|retold }}`."""

from django import template

from accounts import retelling

register = template.Library()


@register.filter(is_safe=True)
def retold(sentence: object) -> str:
    """Say it in the reader's language."""
    return retelling.retold(sentence)
