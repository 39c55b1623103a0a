"""A page of history: as many messages as fit."""

from collections.abc import Iterable

from imserver.core.run import Run


def between(run: Run, after: int, before: int) -> Run | None:
    """What of it has after < seq < before."""
    first_seq, count = run.first_seq, len(run.bodies)
    if after < first_seq and first_seq + count <= before:
        return run
    start, end = max(0, after + 1 - first_seq), min(count, before - first_seq)
    return run.part(start, end) if start < end else None


def fitting(runs: Iterable[Run], newest: bool, limit: int, max_bytes: int) -> list[Run]:
    """Of runs in order, backwards for the newest, what fits both limits, at least one message; ascending."""
    page: list[Run] = []
    for run in runs:
        count = 0
        for body in reversed(run.bodies) if newest else run.bodies:
            max_bytes -= len(body)
            if limit == 0 or (max_bytes < 0 and (page or count)):
                break
            limit -= 1
            count += 1
        everything = len(run.bodies)
        if count == everything:
            page.append(run)
            continue
        if count:
            page.append(run.part(everything - count, everything) if newest else run.part(0, count))
        break
    return page[::-1] if newest else page
