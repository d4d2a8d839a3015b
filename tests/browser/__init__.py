"""Does it work in a real browser, with every process running?"""
