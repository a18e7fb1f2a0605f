"""Forms of address of documents, which are stored until somebody translates them."""

import asyncio
from dataclasses import replace

from server.bundle import Formality
from server.models.models import Models
from server.settings import ServeSettings
from server.translation.translator import Translator
from tests.server.conftest import MakeModel
from tests.server.documents.conftest import finished, open_documents, order
from tests.server.fakes import DE, FakeEngine


def test_the_form_of_address_is_stored_with_it(
    make_model: MakeModel, engine: FakeEngine, settings: ServeSettings
) -> None:
    model = make_model(engine)
    formal = [replace(pair, formality=Formality((DE, 2), (DE, 1))) for pair in model.manifest.pairs]
    bundle = replace(model.bundle, manifest=replace(model.manifest, pairs=tuple(formal)))
    translator = Translator(Models((replace(model, bundle=bundle),)), settings.limits)

    async def live() -> None:
        wanted = replace(order("You see it.", source="en", target="de"), formality="less")
        handle = await open_documents(settings).accept(wanted, "anna")
        documents = open_documents(settings)
        async with documents.running(translator):
            assert (await finished(documents, handle)).status == "done"

    asyncio.run(live())
    assert {source[:2] for source in engine.sources} == {(DE, 1)}
