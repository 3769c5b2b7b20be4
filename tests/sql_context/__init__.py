"""Sample values with which sqlfluff renders the SQL templates of `pipeline/`.

sqlfluff imports this folder by its path (`pipeline/.sqlfluff`): each name below is a value
or a filter of the templates. The samples are as small as a query of each form can be:
what sqlfluff parses grows with them.
"""

import datetime as dt

from pipeline.common.sql_templates import FILTERS
from pipeline.identity import pairs as _pairs
from pipeline.identity import policy as _identity
from pipeline.identity import shared as _shared
from pipeline.identity.comparisons import Comparison as _Comparison
from pipeline.identity.vocabulary import Vocabulary as _Vocabulary
from pipeline.tiers import scoring as _scoring
from pipeline.tiers.policy import Factor, Policy, Rule, Tier

SQLFLUFF_JINJA_FILTERS = {**FILTERS, **_scoring.FILTERS}

# Tiers: facts and what is asked of them.
policy = Policy(
    policy_id="sample",
    name_en="Sample",
    name_zh="示例",
    valid_from=dt.date(2020, 1, 1),
    valid_to=None,
    is_published=True,
    value_weight=0.6,
    potential_weight=0.4,
    min_coverage=0.6,
    tiers=(
        Tier("key", 1, "Key", "重要", "VIP", 0.1, 2, 2),
        Tier("standard", 2, "Standard", "普通", "普通", 0.0, 1, 1),
    ),
    rules=(
        Rule(1, "key", True, 7.0, None, "", ""),
        Rule(2, "standard", None, None, None, "", ""),
    ),
    factors=(
        Factor("company", "value", "revenue_12m", 1.0, True, "", ""),
        Factor("company", "potential", "growth_rate", 1.0, True, "", ""),
    ),
    anchors={
        ("company", "revenue_12m"): ((0.0, 0.0), (10.0, 10.0)),
        ("company", "growth_rate"): ((0.0, 5.0), (1.0, 10.0)),
    },
)
keep = ["revenue_12m", "growth_rate"]
facts = "facts"
scores = ("value", "potential")
terms = _scoring.terms(policy)
options = _scoring.options(policy)
levers = terms
graded = "held"
measures = ["value_score"]
names = _scoring.MEASURE_NAMES
after_first_order = policy.tiers[-1]

# Identity: relations and what the seeds decide.
rules = _identity.Policy(
    vocabulary=_Vocabulary(
        legal_forms=frozenset(),
        front_forms=frozenset(),
        places=frozenset(),
        free_mail=frozenset(),
        role_mailboxes=frozenset(),
        placeholders={},
    ),
    rules=(
        _identity.Rule(
            rule_order=1,
            match_rule="same number",
            customer_type="company",
            keys=("registration_key",),
            agreement="",
            max_records=20,
            confidence=0.99,
        ),
    ),
    blocks=(
        _identity.Block(
            customer_type="company",
            keys=(("phone_key", 0), ("name_core", 4)),
            max_records=50,
        ),
        _identity.Block(
            customer_type="person", keys=(("family_key", 0),), max_records=50
        ),
    ),
    weights={("company", "phone", "same"): (0.9, 0.1)},
    thresholds={
        "company": _identity.Thresholds(
            customer_type="company",
            link_probability=0.95,
            review_probability=0.5,
            prior=0.01,
            registration_distance=2,
            max_cluster=50,
        )
    },
    unique_sources=frozenset({"erp"}),
)
asked_rules = [_pairs.RuleColumns(rules.rules[0], ("registration_key",), "true")]
vetoes = rules.vetoes[:1]
veto = vetoes[0]
traits = [veto.reason]
no_dates = ["1900-01-01"]
agreements = {"city": "city_key", "family name": "family_key"}
general, institutions = ["university"], ["university"]
unit_heads, unit_ends, countries = ["department"], ["group"], ["france"]
carriers = _shared.CARRIERS[:1]
carrier = carriers[0]
comparisons = {
    "company": (
        _Comparison(
            "phone", ("phone_key",), "phone_key_l is null", {"same": "phone_key_l = 1"}
        ),
    )
}
weights = rules.weights
forgiving = "true"
replacements = "case when not phone_is_shared then phone_key end as phone_key"
made_by = "0123456789abcdef"
input_columns = ["customer_type", "customer_name"]
form_columns = ["registration_key", "name_core"]
records, kept_forms, forms, pairs, blocks, changed = (
    *("records", "kept_forms", "forms", "pairs", "blocks", "changed"),
)
prints, kept_prints, kept_scores = "prints", "kept_prints", "kept_scores"
links, decisions, references = "links", "decisions", "references_known"
groups, registered, minted, ids = "groups", "registered", "minted", "ids"
leads, contacts, keys = "leads_of_all", "contacts", "source_keys"
agreement_columns = ("name_core", "family_key")
agreements = {
    "person": "family_key_l = family_key_r",
    "name": "name_core_l = name_core_r",
    "name or sound": "name_core_l = name_core_r",
}
compared = ["name_core", "phone_key"]
tables = ["scored_company"]
compares_all = False
kind = "company"
after, up_to, salt = 0, 1000, 0
holds_profit = True
