"""Does the simulator behave as Twilio does?"""
