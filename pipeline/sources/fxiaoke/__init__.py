"""Reads 纷享销客 (Fxiaoke) over its open API.

    errors     what its codes mean
    metadata   what an object of the tenant is made of
    client     one question, with the token and the limits of the API
    reader     which questions make a first load, an increment and a sweep

Not here: how it is reached, as sources.yaml says it (`pipeline.sources.fxiaoke_settings`).
"""
