"""Who outside is asked about a contact or a message? Customers' own code and their CRMs."""
