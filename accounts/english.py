"""What is English here until somebody reads it? It needs neither settings nor models."""

ENGLISH = "en"


def noop(sentence: str) -> str:
    """Mark an English sentence that is said in the reader's language later (`retelling.retold`)."""
    return sentence
