"""How does a customer's own program hear what happens, at least once, and without asking?

`owing` goes through each inbox's events and writes down which webhook is owed what; `telling` pays,
again and again for a day; `bodies` says what is told. Nothing of it is in the way of a message: the
events are written anyway, gapless and in the order of commits, and kept for seven days.
"""
