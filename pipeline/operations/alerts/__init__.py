"""Alerts: who is told, once each, that a refresh was refused or failed, is late, is back.

`config` reads alerts.yaml, `events` finds what is to be told, `ledger` keeps what was
told to whom, `message` words it in two languages, `webhooks` and `mail` send it, and
`run` does one look after another. No Dagster here.
"""
