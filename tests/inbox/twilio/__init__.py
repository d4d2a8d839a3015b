"""Is Twilio understood?"""
