"""Does it do what we say it does?"""
