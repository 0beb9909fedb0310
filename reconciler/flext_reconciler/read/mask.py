"""What a provider reported, brought to the form that is compared, with every secret in it masked.

Pure. A value is secret when the declaration or the ledger has a secret in its place, when its kind says so, or when its
name does. It is then known by its fingerprint only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..model import Actual, Json, Presence, Secret, canonical, glance, holds_secret
from ..references import Fingerprinter
from ..spec import Spec, field_rules, may_name_a_secret, names_a_secret, sensitive_fields

Models = tuple[Json, ...]
"""What is known to belong at one place, most telling source first: the declaration, then what was applied."""


def understand(actual: Actual, kind: type[Spec], models: Models, fingerprinter: Fingerprinter) -> Actual:
    """Bring what a provider reported to the form that is compared, secrets masked; unknown when that is impossible."""
    rules = field_rules(kind)
    try:
        glance(actual.spec)  # refuses what is not JSON, and nesting that would exhaust the walks below
        spec = kind.normalise({name: value for name, value in actual.spec.items() if name in rules})
        masked = _masked(spec, kind, models, fingerprinter)
        spec = spec if masked is spec else kind.normalise(masked)
        facts = _mask(actual.facts, (), fingerprinter, hidden=False)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        reason = f"the service reported what cannot be understood ({type(error).__name__}); look at it there"
        return Actual(actual.address, Presence.UNKNOWN, actual.id, reason=reason)
    return replace(actual, spec=spec, facts=facts)


def _masked(
    spec: dict[str, Json], kind: type[Spec], models: Models, fingerprinter: Fingerprinter
) -> Mapping[str, Json]:
    """Mask a spec; return the very same one, at the price of a glance, when nothing points to a secret."""
    sensitive = {name for name in sensitive_fields(kind) if name in spec}
    if not sensitive and not any(map(holds_secret, models)) and not _is_named(spec):
        return spec
    sources = tuple((model,) for model in models)
    return {
        name: _mask(value, _under(sources, name), fingerprinter, hidden=name in sensitive or names_a_secret(name))
        for name, value in spec.items()
    }


def _mask(value: Json, sources: tuple[Models, ...], fingerprinter: Fingerprinter, *, hidden: bool) -> Json:
    """Walk a value beside what is known of its place.

    A list is held against all items of its model, because a service may order it differently.
    """
    hidden = hidden or any(isinstance(model, Secret) for models in sources for model in models)
    if value is None or isinstance(value, bool | Secret):
        return value
    if isinstance(value, list):
        items = tuple(
            tuple(item for model in models if isinstance(model, list) for item in model) for models in sources
        )
        return [_mask(item, items, fingerprinter, hidden=hidden) for item in value]
    if not isinstance(value, str | int | float) and isinstance(value, Mapping):
        return {
            key: _mask(item, _under(sources, key), fingerprinter, hidden=hidden or names_a_secret(key))
            for key, item in value.items()
        }
    return _leaf(value, sources, fingerprinter) if hidden else value


def _leaf(value: Json, sources: tuple[Models, ...], fingerprinter: Fingerprinter) -> Json:
    """Mask a value that may be secret, unless the most telling source says that it is written in clear."""
    mark, plain = Secret("", fingerprinter.of(value)), canonical(value)
    for models in sources:
        if mark in models:
            return mark
        if any(canonical(model) == plain for model in models):
            return value
    return mark


def _under(sources: tuple[Models, ...], key: str) -> tuple[Models, ...]:
    return tuple(
        tuple(model[key] for model in models if isinstance(model, Mapping) and key in model) for models in sources
    )


# Looking at the bytes costs a fraction of walking the value, and most values hold nothing to hide.
_KEYS = re.compile(r'"((?:[^"\\]|\\.)*)":')


def _is_named(value: Json) -> bool:
    text = glance(value).decode()
    return may_name_a_secret(text) and any(map(names_a_secret, set(_KEYS.findall(text))))
