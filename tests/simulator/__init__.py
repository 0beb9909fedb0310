"""A deterministic simulator: from a seed, a platform in trouble, and the proof that flext brings it right again.

The real chain runs with the real providers, HTTP client, ledger and embedded services; only the socket and the clock
are not real. `python -m tests.simulator --seed N` replays a trial and tells what happened.
"""
