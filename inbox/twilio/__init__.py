"""What does Twilio say, and how do we say it to Twilio?"""
