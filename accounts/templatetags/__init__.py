"""What do templates of every app need to know about accounts?"""
