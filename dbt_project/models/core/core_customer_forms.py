"""Records with what identifies them in a form in which equal means equal."""


def model(dbt, session):
    from pipeline.identity import resolve

    # The seeds are read where they stand; naming them makes dbt build them first.
    dbt.ref("match_blocks")
    dbt.ref("match_free_mail")
    dbt.ref("match_front_forms")
    dbt.ref("match_legal_forms")
    dbt.ref("match_placeholders")
    dbt.ref("match_places")
    dbt.ref("match_role_mailboxes")
    dbt.ref("match_rules")
    dbt.ref("match_thresholds")
    dbt.ref("match_weights")
    dbt.ref("match_words")
    dbt.ref("source_trust")
    session.register("_records", dbt.ref("core_customer_records"))
    session.register("_kept_forms", dbt.source("refresh", "kept_forms"))
    return resolve.forms(session, "_records", "_kept_forms")
