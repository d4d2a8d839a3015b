"""Wiring only: settings, addresses, processes, local servers."""
