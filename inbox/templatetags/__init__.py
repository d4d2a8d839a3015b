"""What may templates ask for?"""
