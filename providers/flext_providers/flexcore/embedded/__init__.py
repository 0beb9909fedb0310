"""An imitation of FlexCore (contract §1, §8.4) on Starlette, hazards included.

It serves the basic, plugin and node endpoints with FlexCore's own bodies and status codes, and behaves as follows:

- an unknown path or a wrong method is gin's plain-text 404, a missing plugin a JSON 404; a trailing slash redirects
- the list comes in random order and shows no config; metadata shows it in clear, secrets included
- a deploy looks for a duplicate (409) before it loads, wants a factory for the type (`meltano`, `ray` and `kubernetes`
  have one here) or the path of a `.so`, and answers 500 with details that quote the config when loading fails
- the plugin map is not synchronised: a write that overlaps any other access is a violation, and FlexCore is dead, its
  connections dropped, until it is restarted
- a restart forgets everything; with a path it remembers from one process to the next all the same, for demonstrations

What else it can be told to do stands in `faults.py`; two of the faults turn it into its older relatives.
"""

from .service import make

__all__ = ["make"]
