"""May we? Consent, keywords and the one gate that every message passes."""
