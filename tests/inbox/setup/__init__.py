"""Do the stories of set-up hold?"""
