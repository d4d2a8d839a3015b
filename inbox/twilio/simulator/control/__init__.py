"""How do tests, the demo and the phone page steer the simulator?"""
