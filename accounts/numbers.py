"""Is this text, which came from outside, a number that a column could hold?"""

MOST_DIGITS = 18  # of a bigint


def number_in(text: str) -> int | None:
    """Return the number a text is, or None if it is none of ours: no sign, no point, not too long.

    A longer one costs Python more the longer it is, and the database refuses it.
    """
    return int(text) if len(text) <= MOST_DIGITS and text.isdecimal() else None
