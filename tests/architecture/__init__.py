"""Does the house still stand the way its plan says?"""
