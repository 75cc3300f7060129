"""Each option of each feature, where that is installed: announced by the peers, or not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.test_options import ASKING, CODE, EVERY, SUBJECT, UNSUPPORTED
from tests.core.world import World, take
from wamplite import features
from wamplite.core.messages import Publish
from wamplite.core.options import OPTIONS

NAMES = features.names()
CLIENT = ("publisher", "subscriber", "caller", "callee")
THERE = [(kind, key) for kind, key in EVERY if OPTIONS[kind][key].feature in NAMES]
MUST_BE_ANNOUNCED = {"ppt_scheme": "ABORT", "progress": "ABORT"}  # by who asks, says the text
BESIDE = {"runmode": {"rkey": "a"}}  # what an option needs


def announcing(*names: str) -> dict[str, Any]:
    return {role: {"features": dict.fromkeys(names, True)} for role in CLIENT}


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(("kind", "key"), THERE)
def test_an_option_of_an_installed_feature_is_taken(kind: Any, key: str, announced: bool) -> None:
    feature = OPTIONS[kind][key].feature
    world = World(*features.for_router(_with_needs(feature)))
    peers = announcing(feature, "call_canceling") if announced else {}
    other, asker = world.join(**peers), world.join(**peers)
    invoke = {"invoke": "partition"} if feature == "sharded_registration" else {}
    world.register(other, "com.app.p", **invoke)
    world.subscribe(other, "com.app.t")
    options = {key: ASKING.get(key, True), **BESIDE.get(key, {})}
    if kind is Publish:
        options["acknowledge"] = True
    world.send(asker, [CODE[kind], 7, options, SUBJECT[kind]])
    answers = take(asker)
    assert not any(UNSUPPORTED in answer for answer in answers)
    aborted = any(answer[0] == "ABORT" for answer in answers)
    assert aborted == (key in MUST_BE_ANNOUNCED and not announced)


def _with_needs(name: str) -> list[str]:
    (feature,) = [factory() for factory in features.for_router("all") if factory().name == name]
    return [*feature.needs, name]
