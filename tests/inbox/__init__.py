"""Tests of the inbox part."""
