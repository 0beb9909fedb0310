"""What an apply is stopped in: every action on every kind of both services, alone, together and after trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from every_stop import Scenario
from flext_reconciler.model import Deletion, Lifecycle, Resource
from http_world import HttpWorld
from platform_under_test import resource

Declare = Callable[[HttpWorld], list[Resource]]
Prepare = Callable[[HttpWorld], Awaitable[None]]

PRUNE, PURGE = {"prune": True}, {"prune": True, "purge": True}
DUE = {"prune": True, "today": "2026-03-01"}
NAMES = ("a1", "b2", "c3")


# ------------------------------------------------------------------------------------------------ what is declared


def runtime(world: HttpWorld, name: str, /, level: str = "info", **spec: Any) -> Resource:
    config = {"flexcore_node_url": "http://127.0.0.1:8080", "level": level, "api_token": world.platform.secret("TOKEN")}
    return resource(f"flexcore.plugin/{name}-runtime", type="meltano", config=config, **spec)


def plugin(world: HttpWorld, name: str, /, version: str = "1.0.0", **spec: Any) -> Resource:
    return resource(
        f"flext-service.plugin/{name}-source", type="source", version=version, entry_point="run:main", **spec
    )


def tap(world: HttpWorld, name: str, /, version: str = "1.0.0", **spec: Any) -> Resource:
    return resource(f"flext-service.tap/tap-{name}", version=version, executable="tap", **spec)


def target(world: HttpWorld, name: str, /, version: str = "1.0.0", **spec: Any) -> Resource:
    return resource(f"flext-service.target/target-{name}", version=version, executable="target", **spec)


def pipeline(world: HttpWorld, name: str, /, steps: Iterable[str] = (), **spec: Any) -> Resource:
    used = tuple(steps) or (f"{name}-source",)
    steps = [
        {"name": f"step-{number}", "plugin": each, "configuration": {}, "depends_on": []}
        for number, each in enumerate(used)
    ]
    after = {f"flext-service.plugin/{each}" for each in used}
    return resource(f"flext-service.pipeline/{name}-orders", after=after, steps=steps, **spec)


def nothing(world: HttpWorld) -> list[Resource]:
    return []


def each(make: Callable[..., Resource], names: Iterable[str] = NAMES, **spec: Any) -> Declare:
    """One resource a name; a pipeline with the plugin that it uses."""
    needed = [plugin] if make is pipeline else []

    def declare(world: HttpWorld) -> list[Resource]:
        return [one(world, name) for one in needed for name in names] + [make(world, name, **spec) for name in names]

    return declare


def both(*parts: Declare) -> Declare:
    return lambda world: [found for part in parts for found in part(world)]


# ------------------------------------------------------------------------------------------------ what is found


def applied(declare: Declare, *more: tuple[Declare, dict[str, Any]]) -> Prepare:
    """Start from a platform to which this was applied."""

    async def prepare(world: HttpWorld) -> None:
        for wanted, options in ((declare, {}), *more):
            report = await world.platform.apply(wanted(world), **options)
            assert report.converged, report

    return prepare


def losing(*writes: str, before: Declare = nothing) -> Prepare:
    """Start from a platform whose replies to some writes get lost."""

    async def prepare(world: HttpWorld) -> None:
        await applied(before)(world)
        world.lost = list(writes)

    return prepare


def stopped(place: str, declare: Declare, before: Declare = nothing, **options: Any) -> Prepare:
    """Start from a platform on which an apply was stopped at the first place of that name."""

    async def prepare(world: HttpWorld) -> None:
        await applied(before)(world)
        world.stops = []
        await world.platform.apply(declare(world), **options)
        world.restore(next(stop.state for stop in world.stops if place in stop.place))

    return prepare


def found(declare: Declare) -> Prepare:
    """Start from a platform that is there, and that no ledger knows."""

    async def prepare(world: HttpWorld) -> None:
        await applied(declare)(world)
        world.forget()

    return prepare


# ------------------------------------------------------------------------------------------------ one action at a time

FIRST: dict[Callable[..., Resource], dict[str, Any]] = {
    runtime: {},
    plugin: {"description": "first"},
    tap: {"description": "first"},
    target: {"description": "first"},
    pipeline: {"description": "first", "schedule": "@daily", "active": True, "configuration": {"batch": 1}},
}
UPDATED: dict[Callable[..., Resource], dict[str, Any]] = {
    plugin: {"description": "second", "status": "inactive"},
    tap: {"description": "second", "active": False},
    target: {"description": "second", "environment_vars": {"A": "b"}},
    pipeline: {**FIRST[pipeline], "steps": ("a1-source", "b2-source"), "schedule": "@hourly", "tags": ["second"]},
}
REPLACED: dict[Callable[..., Resource], dict[str, Any]] = {
    runtime: {"level": "debug"},
    plugin: {"version": "2.0.0"},
    tap: {"version": "2.0.0"},
    target: {"version": "2.0.0"},
    pipeline: {**FIRST[pipeline], "configuration": {}},
}


def _of(make: Callable[..., Resource]) -> list[Scenario]:
    name, first = make.__name__, each(make, **FIRST[make])
    made = [
        Scenario(f"create each {name}", first),
        Scenario(f"replace each {name}", each(make, **REPLACED[make]), applied(first)),
        Scenario(f"delete each {name}", nothing, applied(first), PURGE),
        Scenario(f"find each {name} again", first, found(first), {"adopt": True}),
        Scenario(f"take each {name} over", each(make, **(UPDATED | REPLACED)[make]), found(first), {"adopt": True}),
    ]
    if make in UPDATED:
        made += [
            Scenario(f"update each {name}", each(make, **UPDATED[make]), applied(first)),
            Scenario(f"disable each {name}", nothing, applied(first), PRUNE),
            Scenario(f"delete each disabled {name}", nothing, applied(first, (nothing, PRUNE)), DUE),
            Scenario(f"revive each {name}", first, applied(first, (nothing, PRUNE))),
        ]
    return made


ONE_AT_A_TIME = [scenario for make in FIRST for scenario in _of(make)]


# ------------------------------------------------------------------------------------------------ all at once


def _before(world: HttpWorld) -> list[Resource]:
    return [
        *both(*(each(make, **spec) for make, spec in FIRST.items() if make is not plugin))(world),
        *(runtime(world, name) for name in ("old", "older")),
        *(tap(world, name) for name in ("old", "older")),
        *(pipeline(world, name, steps=["a1-source"]) for name in ("old", "older")),
    ]


def _after(world: HttpWorld) -> list[Resource]:
    return [
        *both(*(each(make, **spec) for make, spec in UPDATED.items() if make is not plugin))(world),
        *both(each(runtime, level="debug"), each(target, names=("new", "newer")))(world),
        *both(each(runtime, names=("new", "newer")), each(pipeline, names=("new", "newer")))(world),
    ]


def _replaced(world: HttpWorld) -> list[Resource]:
    return both(*(each(make, **spec) for make, spec in REPLACED.items()))(world)[: -2 * len(NAMES)] + [
        pipeline(world, name, description="first", steps=[f"{name}-source"]) for name in NAMES
    ]


def _at_once(world: HttpWorld) -> list[Resource]:
    """Nobody wants to keep these when they are no longer declared."""
    gone = Lifecycle(delete=Deletion.IMMEDIATE)
    return [tap(world, name, lifecycle=gone) for name in NAMES]


ALL_AT_ONCE = [
    Scenario("create everything", _before),
    Scenario("everything at once", _after, applied(_before), PURGE),
    Scenario("everything at once, disabled first", _after, applied(_before), PRUNE),
    Scenario(
        "replace whatever is used", _replaced, applied(both(each(runtime), each(tap), each(target), each(pipeline)))
    ),
    Scenario("remove everything", nothing, applied(_before), PURGE),
    Scenario("disable everything", nothing, applied(_before), PRUNE),
    Scenario("delete everything that is due", nothing, applied(_before, (nothing, PRUNE)), DUE),
    Scenario("remove what is to go at once", nothing, applied(_at_once), PRUNE),
    Scenario("not wanted any more", each(runtime, enabled=False), applied(each(runtime, enabled=True))),
    Scenario(
        "replace a plugin that a pipeline uses",
        lambda world: [plugin(world, "a1", version="2.0.0"), pipeline(world, "a1")],
        applied(each(pipeline, names=("a1",))),
    ),
]


# ------------------------------------------------------------------------------------------------ after trouble


def _one(make: Callable[..., Resource], **spec: Any) -> Declare:
    return lambda world: [make(world, "a1", **spec)]


AFTER_TROUBLE = [
    Scenario("a deploy that nobody answered", _one(runtime), losing("POST /api/v1/plugins/deploy")),
    Scenario(
        "a redeploy that nobody answered",
        _one(runtime, level="debug"),
        losing("DELETE", "POST", before=_one(runtime)),
    ),
    Scenario(
        "steps that nobody answered",
        each(pipeline, **FIRST[pipeline]),
        losing("POST /api/v1/pipelines", "/steps", "PUT"),
    ),
    Scenario(
        "a delete that nobody answered",
        nothing,
        losing("DELETE", "DELETE", before=both(each(tap), each(runtime))),
        PURGE,
    ),
    Scenario("a disabling that nobody answered", nothing, losing("deactivate", "PUT", before=each(tap)), PRUNE),
    Scenario(
        "declared anew after a lost deploy",
        both(_one(runtime, level="warn"), _one(plugin)),
        stopped("after send: POST /api/v1/plugins/deploy", _one(runtime)),
    ),
    Scenario(
        "declared anew after a lost create",
        _one(tap, description="changed meanwhile"),
        stopped("after send: POST /api/v1/singer/specs", _one(tap)),
    ),
    Scenario(
        "declared anew after a lost replace",
        _one(tap, version="2.0.0", description="changed meanwhile"),
        stopped("after send: POST /api/v1/singer/specs", _one(tap, version="2.0.0"), _one(tap)),
    ),
    Scenario(
        "killed between delete and deploy",
        _one(runtime, level="warn"),
        stopped("after reply: DELETE /api/v1/plugins/a1-runtime", _one(runtime, level="debug"), _one(runtime)),
    ),
    Scenario(
        "no longer declared after a lost create",
        nothing,
        stopped("after send: POST /api/v1/pipelines", each(pipeline)),
        PURGE,
    ),
    Scenario(
        "declared again after a lost disabling",
        each(tap),
        stopped("after send: POST", nothing, each(tap), **PRUNE),
    ),
    Scenario(
        "declared again after a lost delete",
        each(runtime),
        stopped("after send: DELETE", nothing, each(runtime), **PURGE),
    ),
]

SCENARIOS = [*ONE_AT_A_TIME, *ALL_AT_ONCE, *AFTER_TROUBLE]
