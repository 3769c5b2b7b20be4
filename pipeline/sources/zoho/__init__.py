"""Reads Zoho CRM and Zoho Desk through their APIs.

    errors     what their codes mean, for a person who can change it
    client     tokens, addresses, one call
    fields     what a module is made of, and the columns that its records land with
    paging     records in an order that misses none, by COQL or page by page
    bulk       a whole module as files
    lines      subforms, such as the lines of orders
    reading    the records of one module: whole, what changed, keys
    crm        the reader of kind zoho_crm
    desk       the reader of kind zoho_desk

Each imports only those above it. What is known of the protocols is in
docs/connect-zoho.md; no call of a vendor's library is made.
"""
