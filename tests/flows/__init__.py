"""Do whole stories hold, told through the doors the world uses?"""
