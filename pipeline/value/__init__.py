"""What customers are worth next: fitted purchase models, tested on the company's own past.

Numpy in, numpy out; nothing here knows Dagster, DuckDB or pandas. From purchases to what is
published:

    reduction      purchases -> distinct rows with counts (the SQL for it, and numpy)
    histories      (x, t_x, T) triples; population: the rows that are forecast
    models         what every purchase model can do; bg_nbd, pareto_nbd, bg_bb are they
    gamma_gamma    what a customer spends on a purchase day
    priors         what is believed of a parameter before; search: the way to the top
    fitting        maximum likelihood or MAP, and a diagnosis that says if it failed
    baselines      two forecasts without a model; forecasters: all of them, one interface
    metrics        exact measures on rows with counts
    backtest       every forecaster at every origin, measured against what then came
    champion       who is published, by a rule that anybody can repeat
    scoring        the published forecasts, with a stand-in if the champion fails today

A model that fails is never an exception: its diagnosis says so, and another is published.
"""
