"""The rules, pure: one source for the webhook, the controllers, the console's form and `roost validate -f`.

`judge.validate` is for one object, `documents.validate_documents` for a set, `documents.judge_cluster`
for a Cluster with everything that belongs to it; `findings.FieldError`, `world.MemoryWorld` go with them.
"""
