"""Where do account admins set up what is theirs?"""
