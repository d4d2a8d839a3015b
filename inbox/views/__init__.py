"""Which pages exist? One file per screen."""
