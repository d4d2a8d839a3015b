"""Who: partners, accounts, people, teams, licences, features, secrets and the audit log."""
