"""How fast is it, beside what the machine can do and what anybody would build? `make bench`."""
