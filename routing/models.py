"""Which rows does routing own? None yet: rulebooks, hours and turns come with the rule editor."""
