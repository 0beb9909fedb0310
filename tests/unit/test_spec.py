"""The base of every kind: its markers, its normal form, its shared field types."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError, create_model

from flext_reconciler.model import ABSENT, Deferred, Secret
from flext_reconciler.spec import (
    _SECRET_ENDINGS,
    _SECRET_NAMES,
    AppendOnly,
    Cleared,
    FieldRule,
    Immutable,
    Local,
    MergeOnly,
    Name,
    Schedule,
    Sensitive,
    Spec,
    Tag,
    Unordered,
    Version,
    field_rules,
    may_name_a_secret,
    names_a_secret,
    sorted_by_value,
)
from platform_strategies import SPECS
from toy_kinds import KINDS, SERVICE, Flow, Tank


@pytest.mark.parametrize(
    ("markers", "rule"),
    [
        ((), FieldRule()),
        ((Immutable(),), FieldRule(immutable=True)),
        ((Sensitive(),), FieldRule(sensitive=True)),
        ((Unordered(),), FieldRule(unordered=True)),
        ((MergeOnly(),), FieldRule(merge_only=True)),
        ((AppendOnly(),), FieldRule(append_only=True)),
        ((Local(),), FieldRule(local=True)),
        ((Cleared(None),), FieldRule(cleared=None)),
        ((Field(max_length=3), Unordered(), Cleared([])), FieldRule(unordered=True, cleared=[])),
    ],
)
def test_markers_become_rules(markers, rule):
    kind = create_model("Kind", __base__=Spec, field=(Annotated[(Any, "what is no marker", *markers)], None))
    assert field_rules(kind) == {"field": rule}


def test_a_field_without_a_cleared_value_has_none():
    assert field_rules(Tank)["size"].cleared is ABSENT


@given(st.sampled_from(sorted(SPECS)).flatmap(lambda kind: st.tuples(st.just(kind), SPECS[kind])))
def test_normalising_twice_is_normalising_once(example):
    name, spec = example
    kind = KINDS[SERVICE, name]
    once = kind.normalise(spec)
    assert kind.normalise(once) == once
    assert once.keys() == spec.keys()


@given(st.permutations(["b", "a", "c"]))
def test_an_unordered_list_has_one_form(tags):
    assert Flow.normalise({"tags": tags}) == {"tags": ["a", "b", "c"]}


def test_any_values_can_be_sorted():
    values = [None, 1, 1.0, True, "1", [], {}, Secret("x", "aa"), Deferred("x", ("s", "k", "n"), ())]
    assert sorted_by_value(values) == sorted_by_value(reversed(values))


@pytest.mark.parametrize("spec", [{"size": "1"}, {"size": True}, {"sise": 1}, {"note": 1}, {"config": []}])
def test_a_spec_is_strict_and_closed(spec):
    with pytest.raises(ValidationError):
        Tank.model_validate(spec)


def test_a_refused_value_is_not_repeated():
    with pytest.raises(ValidationError) as refusal:
        Tank.model_validate({"size": "hunter2"})
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["token", "Token", "db-password", "DB_PASSWORD", "client_secret", "api-key", "x_api_key", "keytab"]
)
def test_names_of_secrets_are_known(name):
    assert names_a_secret(name)


@pytest.mark.parametrize("name", sorted({*_SECRET_NAMES, *_SECRET_ENDINGS}))
def test_every_name_of_a_secret_is_worth_a_look(name):
    for spelled in (name, name.upper(), name.replace("_", "-"), name.replace("k", "\u212a")):
        assert names_a_secret(spelled)
        assert may_name_a_secret(f'{{"{spelled}":1}}')


@pytest.mark.parametrize("name", ["tokens", "token_url", "key", "secret_name", "passwords_file", "tokenizer", "monkey"])
def test_other_names_are_not_taken_for_secrets(name):
    assert not names_a_secret(name)


GOOD = {
    Schedule: ["@daily", "@once", "0 * * * *", "*/5 0-3 1,15 * MON"],
    Name: ["abc", "a-b", "A_1", "a" * 80],
    Version: ["1.2.3", "0.0.1-rc.1"],
    Tag: ["a", "a-b_C1", "x" * 50],
}
BAD = {
    Schedule: ["", "@reboot", "@Daily", "* * * *", "* * * * * *", "61 * * * *", "0 0 31 2 *x", "hello"],
    Name: ["", "ab", "1abc", "abc-", "a b", "a" * 81, "abc\n", "ä-bc"],
    Version: ["1", "1.2", "v1.2.3", "1.2.3+4", "1.2.3\n"],
    Tag: ["", "a b", "x" * 51, "a\n"],
}


@pytest.mark.parametrize(("type_", "text"), [(type_, text) for type_, texts in GOOD.items() for text in texts])
def test_what_the_services_accept_is_accepted(type_, text):
    assert TypeAdapter(type_).validate_python(text) == text


@pytest.mark.parametrize(("type_", "text"), [(type_, text) for type_, texts in BAD.items() for text in texts])
def test_what_some_layer_refuses_is_refused(type_, text):
    with pytest.raises(ValidationError):
        TypeAdapter(type_).validate_python(text)
