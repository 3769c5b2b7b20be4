"""Servers on loopback that behave as the services do, as far as it is known how.

    base     what any of them needs: a server, a clock that a test moves, faults on order

One module a service beside it. What is not from the service's own documentation or from
a recorded answer is marked where it stands: [M] from memory, [A] assumed, [T] as others'
clients have it. A stand-in shares no code with the reader that it tests.
"""
