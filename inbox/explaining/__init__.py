"""What would happen to a message, and why did it happen? Rules tried, replayed and explained.

Everything here asks the functions that answer live, and nothing is sent or written. `places` says
what an inbox brings along; with it a message is tried (`dry_run`), those that came are replayed
(`replay`), and examples are run (`examples`). `why` reads what was kept of decisions; `told` puts
all of it into words.
"""
