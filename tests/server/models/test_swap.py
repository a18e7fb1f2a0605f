"""A value that is exchanged while it is used."""

import asyncio

from server.models.swap import Live


def test_the_old_value_is_given_back_when_nobody_uses_it() -> None:
    async def run() -> list[str]:
        live, seen = Live("old"), []
        with live.use() as first:
            exchange = asyncio.ensure_future(live.exchange("new"))
            await asyncio.sleep(0)
            with live.use() as second:
                seen += [first, second, live.current]
            await asyncio.sleep(0)
            assert not exchange.done()
        seen.append(await exchange)
        return [*seen, await live.exchange("newest")]

    assert asyncio.run(run()) == ["old", "new", "new", "old", "new"]
