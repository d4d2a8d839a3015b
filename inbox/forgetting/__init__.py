"""What is kept for how long, who is forgotten, and how is that shown afterwards?

One file per question: what there is to keep and how long the rules say (`kinds`), who may not be
forgotten yet (`holds`), how one batch of each kind goes (`batches`), what an account settled
(`settling`) and what would go by it (`foreseeing`), tonight's run (`nightly`), a person's erasure
(`erasing`, `steps`, `traces`), what Twilio deletes (`remote`), and what stays as proof
(`certificates`). Contract: docs/retention.md.
"""
