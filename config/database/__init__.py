"""How do we reach PostgreSQL? Django's own backend, whose pool heals at once after a restart."""
