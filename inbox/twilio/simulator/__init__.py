"""How would Twilio behave?

A separate process with its own store that speaks Twilio's HTTP dialect on loopback.
Nothing here imports Django or a model of ours, so it cannot agree with us by accident.
"""
