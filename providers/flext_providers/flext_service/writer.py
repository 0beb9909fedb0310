"""Changes a FLEXT Service: one step of a plan at a time, nothing twice."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import ABSENT, Json, Service
from flext_reconciler.provider import Write

from .client import Item
from .reader import FlextReader, path_of
from .translate import CLEAN, LISTINGS, body, overlaid, steps_of

if TYPE_CHECKING:
    from flext_reconciler.http import WriteClient

_LATER = {"plugin": ("status",), "tap": ("active",), "target": ("active",), "pipeline": ("schedule", "active", "steps")}
"""What a create does not take and an update sends right after it."""


class FlextWriter(FlextReader):
    """Reads and writes one FLEXT Service."""

    def __init__(self, http: WriteClient, service: Service) -> None:
        super().__init__(http, service)
        self._http = http

    async def create(self, write: Write) -> str:
        """Create what a POST takes, then the steps, then what makes it run."""
        kind = write.change.address.kind
        now = {name: value for name, value in write.spec.items() if name not in _LATER[kind]}
        if kind == "pipeline":
            now.setdefault("tags", [])  # where our mark goes
        elif kind != "plugin":
            now["type"] = kind
        made = await self._post(write, kind, {"name": write.name, **body(now)})
        later = {name: write.spec[name] for name in _LATER[kind] if name in write.spec}
        if made.get("is_active") is later.get("active"):
            later.pop("active", None)
        try:
            await self._change(write, made["id"], later, {})
        except ServiceError as error:
            error.made = str(made["id"])
            if error.kind is ErrorKind.CONFLICT:  # what it conflicts with is not somebody else's of this name
                error.kind = ErrorKind.INVALID
            raise
        return str(made["id"])

    async def update(self, write: Write) -> None:
        """Send what differs; a map goes out on top of what is there now, so that nobody's keys are lost."""
        assert write.id is not None, "only a create has no id"
        kind, spec = write.change.address.kind, write.spec
        changed = {str(diff.path[0]): diff.after for diff in write.change.fields}
        # What is no longer declared goes back to what the plan says, and a mark that is gone comes with every tag.
        fields = {name: spec.get(name, [] if after is ABSENT else after) for name, after in changed.items()}
        current: Item = {}
        if "steps" in fields or any(isinstance(value, Mapping) for value in fields.values()):
            current = await self._current(kind, write.id)
        for name in fields.keys() & spec.keys():
            fields[name] = _kept(write, name, current.get(name))
        await self._change(write, write.id, fields, _step_ids(current))

    async def delete(self, write: Write) -> None:
        """Delete by id, pipelines on the only path that can; what is gone already is done."""
        assert write.id is not None, "only a create has no id"
        kind = write.change.address.kind
        path = path_of(kind, write.id)
        clean = CLEAN + path.removeprefix(LISTINGS["pipeline"].path)
        try:
            reply = await self._http.send("DELETE", clean if kind == "pipeline" else path)
        except ServiceError as error:
            if error.kind is ErrorKind.CONFLICT:
                raise self._conflict(f"{kind} {write.name} is busy or running", "Try again when it is done.") from None
            if error.outcome_unknown or not await self._is_gone(error, path):
                raise
            return
        if reply.status != 204 and await self._client.one(path) is not None:
            raise self._unheard(f"{self._service} answered the delete of {kind} {write.name} with something else")

    async def _is_gone(self, error: ServiceError, path: str) -> bool:
        # That there is no such spec is reported as an internal error. A second one of its name must not be made on the
        # word of one answer, so the other one is checked as well.
        says_so = error.kind in (ErrorKind.NOT_FOUND, ErrorKind.SERVER_ERROR)
        return says_so and await self._client.one(path) is None

    async def _post(self, write: Write, kind: str, sent: Item) -> Item:
        """Create; when nobody knows how that went, whatever has the name now is what we made.

        A failure may come after the deed, too: then what has the name is exactly what was sent.
        """
        try:
            reply = await self._http.send("POST", LISTINGS[kind].path, body=sent, secret=write.carries_secret)
        except ServiceError as error:
            if not (error.outcome_unknown or error.kind is ErrorKind.SERVER_ERROR):
                raise
            with _in_doubt():
                item = await self._named(kind, write.name)
            if item is None:
                raise
            if not (error.outcome_unknown or overlaid(item, sent) == item):
                raise self._conflict(f"there is a {kind} {write.name} already (id {item['id']})") from None
            return item
        return self._made(reply.body, "id")

    def _made(self, answer: Json, key: str) -> Item:
        made = answer.get("data", answer) if isinstance(answer, dict) else None
        if not isinstance(made, dict) or not isinstance(made.get(key), str) or not made[key]:
            raise self._unheard(f"{self._service} created something and did not tell its {key}")
        return made

    def _unheard(self, message: str) -> ServiceError:
        error = self._client.untrusted(message)
        error.outcome_unknown = True
        return error

    # ---------------------------------------------------------------------------------------------- what can change

    async def _change(self, write: Write, id: str, fields: Mapping[str, Json], steps: dict[str, str]) -> None:
        """Send fields, and the steps that are not there yet; what starts a pipeline goes last."""
        kind = write.change.address.kind
        path, sent = path_of(kind, id), body({name: value for name, value in fields.items() if name != "steps"})
        if kind in ("tap", "target"):
            active = sent.pop("is_active", None)
            await self._put(write, path, sent)
            if active is not None:
                await self._switch(path, active)
            return
        starts = sent.get("is_active") is True
        if not starts:
            await self._put(write, path, sent)
        if "steps" in fields:
            await self._append(write, id, fields["steps"], steps)
        if starts:
            await self._start(write, path, sent)

    async def _put(self, write: Write, path: str, sent: Item) -> None:
        if sent:
            await self._http.send("PUT", path, body=sent, secret=write.carries_secret)

    async def _start(self, write: Write, path: str, sent: Item) -> None:
        """Send an activation; a pipeline that runs already refuses it, which must not hold up the rest."""
        try:
            await self._put(write, path, sent)
        except ServiceError as error:
            if not await self._is_so_already(error, path, active=True):
                raise
            await self._put(write, path, {name: value for name, value in sent.items() if name != "is_active"})

    async def _switch(self, path: str, active: bool) -> None:
        """Activate or deactivate a spec; one that is so already refuses it."""
        try:
            await self._http.send("POST", f"{path}/{'activate' if active else 'deactivate'}")
        except ServiceError as error:
            if not await self._is_so_already(error, path, active=active):
                raise

    async def _is_so_already(self, error: ServiceError, path: str, *, active: bool) -> bool:
        if error.outcome_unknown or error.kind is not ErrorKind.SERVER_ERROR:
            return False
        item = await self._client.one(path)
        return item is not None and item.get("is_active") is active

    # -------------------------------------------------------------------------------------------------------- steps

    async def _append(self, write: Write, id: str, steps: Collection[Item], known: dict[str, str]) -> None:
        """Add the steps that the pipeline lacks, in the order in which they are declared."""
        for step in steps:
            if step["name"] in known:
                continue
            needed = step.get("depends_on", ())
            if not known.keys() >= set(needed):
                raise self._conflict(
                    f"pipeline {write.name} lacks a step that {step['name']} depends on", "Plan again."
                )
            sent = {
                "name": step["name"],
                "plugin_id": await self._plugin_id(write, step),
                "configuration": step.get("configuration", {}),
                "depends_on": [known[name] for name in needed],
            }
            known[step["name"]] = await self._add(write, id, sent)

    async def _add(self, write: Write, id: str, sent: Item) -> str:
        try:
            path = f"{path_of('pipeline', id)}/steps"
            reply = await self._http.send("POST", path, body=sent, secret=write.carries_secret)
        except ServiceError as error:
            if not error.outcome_unknown:
                raise
            with _in_doubt():
                added = _step_ids(await self._current("pipeline", id)).get(sent["name"])
            if added is None:
                raise
            return added
        return str(self._made(reply.body, "step_id")["step_id"])

    async def _plugin_id(self, write: Write, step: Item) -> str:
        name = step["plugin"]
        found = write.id_of("plugin", name)
        if found is None:
            plugin = await self._named("plugin", name)
            found = plugin["id"] if plugin else None
        if found is None:
            raise ServiceError(
                f"step {step['name']} of pipeline {write.name} needs plugin {name}: there is none in {self._service}",
                kind=ErrorKind.INVALID,
                service=self._service,
                hint="Declare the plugin, or register it first.",
            )
        return str(found)

    async def _current(self, kind: str, id: str) -> Item:
        item = await self._client.one(path_of(kind, id))
        if item is None:
            raise ServiceError(f"{kind} {id} is gone", kind=ErrorKind.NOT_FOUND, service=self._service)
        return item


@contextmanager
def _in_doubt() -> Iterator[None]:
    """Look for what came of a request that may have been carried out; failing to look leaves that as it is."""
    try:
        yield
    except ServiceError as error:
        error.outcome_unknown = True
        raise


def _step_ids(pipeline: Item) -> dict[str, str]:
    return {str(step.get("name")): str(step.get("id")) for step in steps_of(pipeline)}


def _kept(write: Write, name: str, current: Json) -> Json:
    """Put a declared map over what is there, and take out the keys that are no longer declared."""
    declared = write.spec[name]
    if not (isinstance(declared, Mapping) and isinstance(current, Mapping)):
        return declared
    merged = overlaid(current, declared)
    for diff in write.change.fields:
        if diff.path[0] == name and diff.after is ABSENT:
            merged = _without(merged, diff.path[1:])
    return merged


def _without(value: Json, path: tuple[str | int, ...]) -> Json:
    if not isinstance(value, Mapping) or not path:
        return value
    rest = {key: item for key, item in value.items() if key != path[0]}
    return rest if len(path) == 1 else {**rest, path[0]: _without(value.get(path[0]), path[1:])}
