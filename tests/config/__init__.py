"""Do the servers and processes of a laptop start, survive and stop?"""
