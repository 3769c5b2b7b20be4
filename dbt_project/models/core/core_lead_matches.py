"""Which customer a lead that names none seems to be with, and by what."""


def model(dbt, session):
    from pipeline.identity import leads

    # The seeds are read where they stand; naming them makes dbt build them first.
    dbt.ref("match_free_mail")
    dbt.ref("match_front_forms")
    dbt.ref("match_legal_forms")
    dbt.ref("match_placeholders")
    dbt.ref("match_places")
    dbt.ref("match_role_mailboxes")
    dbt.ref("match_thresholds")
    dbt.ref("match_words")
    session.register("_leads", dbt.ref("core_leads"))
    session.register("_contacts", dbt.ref("core_contacts"))
    session.register("_forms", dbt.ref("core_customer_forms"))
    session.register("_source_keys", dbt.ref("core_customer_source_keys"))
    return leads.matches(session, "_leads", "_contacts", "_forms", "_source_keys")
