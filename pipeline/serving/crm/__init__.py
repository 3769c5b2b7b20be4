"""What goes back into the CRM: tier, score, verdict and next action of each account.

    accounts   what a release says of each account of a source, by the source's own id
    state      what the CRM is known to have, and exports that nobody has confirmed yet
    formats    files as Zoho CRM and 纷享销客 import them
    export     a file of what changed since, and its confirmation
    sending    the same through the API, account by account

Only what changed since it was last confirmed goes out. The state holds no id and no value,
but hashes of them: what is forgotten is not kept here.
"""
