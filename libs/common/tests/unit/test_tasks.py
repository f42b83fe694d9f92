"""What is to end ends."""

import asyncio

from common.tasks import end


async def test_a_cancellation_that_a_library_has_lost_is_repeated() -> None:
    async def loses_the_first() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    task = asyncio.create_task(loses_the_first())
    await asyncio.sleep(0)

    [ended] = await asyncio.wait_for(end(task, again_after_s=0.05), timeout=5)

    assert isinstance(ended, asyncio.CancelledError)


async def test_results_and_errors_come_back_in_order() -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def give() -> int:
        return 7

    tasks = [asyncio.create_task(fail()), asyncio.create_task(give())]
    await asyncio.wait(tasks)

    failed, given = await end(*tasks)

    assert isinstance(failed, ValueError)
    assert given == 7
