"""Do it: webhooks, conversations, messages, sending, live updates, pages and API."""
