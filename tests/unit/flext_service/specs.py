"""Strategies for specs that can be declared."""

from __future__ import annotations

from hypothesis import strategies as st

from flext_providers.flext_service.kinds import MARK

PLUGINS = ("extractor", "loader", "cleaner")

_WORDS = st.text("abcdefghij", min_size=3, max_size=8)
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="<>\x00"), max_size=40)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=6,
)
_MAPS = st.dictionaries(_WORDS, _JSON, max_size=3)
_TAGS = st.lists(_WORDS.filter(lambda word: word != MARK), max_size=5, unique=True)


@st.composite
def _steps(draw):
    names = draw(st.lists(_WORDS, max_size=4, unique=True))
    return [
        {"name": name, "plugin": draw(st.sampled_from(PLUGINS))}
        | draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "configuration": _MAPS,
                    "depends_on": st.lists(st.sampled_from(names[:n]), unique=True) if n else st.just([]),
                },
            )
        )
        for n, name in enumerate(names)
    ]


@st.composite
def pipelines(draw):
    """A pipeline that the service takes."""
    optional = {
        "description": _TEXT,
        "tags": _TAGS,
        "configuration": _MAPS,
        "schedule": st.sampled_from(["@daily", "0 */2 * * *", ""]),
        "steps": _steps(),
    }
    spec = draw(st.fixed_dictionaries({}, optional=optional))
    if draw(st.booleans()):
        spec["active"] = bool(spec.get("steps")) and draw(st.booleans())
    return spec


def _singer():
    setting = st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "number", "boolean"])},
        optional={"description": _TEXT, "default": _JSON, "minimum": st.integers(0, 9), "secret": st.booleans()},
    )
    settings = st.fixed_dictionaries(
        {},
        optional={"properties": st.dictionaries(_WORDS, setting, max_size=3), "required": st.lists(_WORDS, max_size=2)},
    )
    return st.fixed_dictionaries(
        {"version": st.just("1.0.0"), "executable": _WORDS},
        optional={
            "description": _TEXT,
            "author": _TEXT,
            "settings": settings,
            "capabilities": st.fixed_dictionaries(
                {}, optional={"state": st.booleans(), "supported_formats": st.just(["jsonl"])}
            ),
            "config_template": _MAPS,
            "environment_vars": st.dictionaries(_WORDS, _TEXT, max_size=2),
            "active": st.booleans(),
        },
    )


SPECS = {
    "plugin": st.fixed_dictionaries(
        {"type": st.sampled_from(["source", "target"]), "version": st.just("1.2.3-rc.1"), "entry_point": _WORDS},
        optional={
            "description": _TEXT,
            "author": _TEXT,
            "status": st.sampled_from(["active", "inactive"]),
            "dependencies": st.lists(_WORDS, max_size=3),
            "ports": st.lists(
                st.fixed_dictionaries({"name": _WORDS, "type": _WORDS}, optional={"schema": _MAPS}), max_size=2
            ),
            "configuration": _MAPS,
        },
    ),
    "tap": _singer(),
    "target": _singer(),
    "pipeline": pipelines(),
}


def specs_of(specs):
    """A kind and a spec of it."""
    return st.one_of(*(st.tuples(st.just(kind), spec) for kind, spec in specs.items()))
