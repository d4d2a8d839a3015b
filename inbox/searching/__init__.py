"""Where was that said, and who said it? Contacts, conversations and messages by words."""
