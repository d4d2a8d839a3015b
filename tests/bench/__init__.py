"""Does the benchmark itself work?"""
