"""Which resources of Twilio's API are there?"""
