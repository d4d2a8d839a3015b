"""Tests of the compliance part."""
