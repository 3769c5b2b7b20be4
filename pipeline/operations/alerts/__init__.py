"""Alerts: who is notified, once each, that a refresh was refused or failed, is late, is back.

`config` reads alerts.yaml, `events` finds what is new, `ledger` keeps who was
notified of what, `message` words it in two languages, `webhooks` and `mail` send it, and
`run` dispatches them. No Dagster here.
"""
