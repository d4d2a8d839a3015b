"""How do things go? Figures for a period, who waits now, and conversations as a table."""
