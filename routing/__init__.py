"""Where to? Pure decisions about who gets a message and what is answered."""
