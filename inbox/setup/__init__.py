"""What changes who works here, with which numbers, and on which terms?"""
