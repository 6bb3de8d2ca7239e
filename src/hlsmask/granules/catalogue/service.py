"""Asking a STAC service: pages, patience, and what can go wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pystac

from hlsmask.errors import ServiceError
from hlsmask.extras import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hlsmask.granules.catalogue.catalogues import Collection
    from hlsmask.granules.catalogue.dates import Span

PAGE: Final = 100
"""Items a page: CMR-STAC fails from about 300 on (nasa/cmr-stac, issues 152 and 192)."""
TRIES: Final = 5
"""Times that a question is asked again."""
BACKOFF = 1.0
"""Seconds, doubled each time."""
LONGEST_WAIT: Final = 60
"""Seconds that a server can make us wait."""
TIMEOUT: Final = (10, 90)
"""Seconds to connect, seconds without a byte."""
EMPTY: Final = 10
"""Pages without an Item that are turned one after the other, before the service is held to go in circles."""
_NAME: Final = {"Client-Id": "hlsmask", "User-Agent": "hlsmask"}
"""CMR asks programs to say who they are."""
_PASSING: Final = (429, 500, 502, 503, 504)
"""Answers that pass: too many requests, and a server that stumbles (CMR does so daily, nasa/cmr-stac, issue 366)."""
_MEANINGS: Final = {
    400: "it does not accept the question",
    401: "it wants a login",
    403: "it refuses",
    404: "there is no such search; check --endpoint",
    429: "too many requests; wait some minutes, or ask for less at once",
}


def ask(
    api: str, collection: Collection, where: Mapping[str, Any], when: Span | None, page: int = PAGE
) -> Iterator[dict[str, Any]]:
    """Yield the Items of `collection` at `api` that a place (`bbox` or `intersects`) and a time hold, page by page.

    What stands among them in an answer without being an Item is yielded too.

    Raises
    ------
    ServiceError
        If the service does not answer, refuses, or does not give all that it says it has.
    """
    client = load("earthdata", "pystac_client", "a search")
    errors = load("earthdata", "pystac_client.exceptions", "a search")
    name = f"{collection.service.label} ({urlsplit(api).hostname})"
    connection = _connection()
    search = client.ItemSearch(
        url=f"{api}/search",
        method=collection.method,
        stac_io=connection,
        collections=[collection.id],
        datetime=str(when) if when else None,
        limit=page,
        **where,
    )
    seen: set[str] = set()
    given = empty = 0
    matched = None
    try:
        for answer in _pages(connection, search):
            items = answer["features"]
            found = _matched(answer)
            matched = matched if found is None else found
            if not items and matched is not None and given >= matched:
                break
            fresh = [item for item in items if _identity(item) not in seen]
            empty = 0 if items else empty + 1
            if (items and not fresh) or empty > EMPTY:
                raise ServiceError(f"{name} gives one page of {collection.id} again and again; ask for less at once")
            seen |= {_identity(item) for item in fresh}
            given += len(items)
            yield from fresh
    except errors.APIError as error:
        raise ServiceError(f"{name} {_reason(error)}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ServiceError(f"{name} sent an answer that is cut off or not STAC; try again later") from error
    finally:
        connection.session.close()
    if matched is not None and given < matched:
        raise ServiceError(f"{name} gave {given} of {matched} items of {collection.id}; try again later")


def _pages(connection: Any, search: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - pystac_client's own
    """Yield answer after answer, each a collection of Items; pystac_client ends in silence where one is not.

    Raises
    ------
    TypeError
        If an answer is something else.
    """
    parameters = search.get_parameters()
    answer = connection.read_json(search.url, method=search.method, parameters=parameters)
    while True:
        if not isinstance(answer, dict) or answer.get("type") != "FeatureCollection":
            raise TypeError("no FeatureCollection")
        if not isinstance(answer.get("features"), list):
            raise TypeError("no features")
        yield answer
        following = [link for link in answer.get("links") or [] if link["rel"] == "next"]
        if not following:
            return
        if not isinstance(following[0]["href"], str):
            raise TypeError("no address of the next page")
        answer = connection.read_json(pystac.Link.from_dict(following[0]), parameters=parameters)


def _identity(item: Any) -> str:  # noqa: ANN401 - JSON
    """Return what tells an Item from the others."""
    name = item.get("id") if isinstance(item, dict) else None
    return name if isinstance(name, str) else json.dumps(item, sort_keys=True)


def _connection() -> Any:  # noqa: ANN401 - pystac_client's own
    io = load("earthdata", "pystac_client.stac_api_io", "a search").StacApiIO

    class Connection(io):  # type: ignore[misc, valid-type]  # known when it runs
        def json_loads(self, txt: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
            return json.loads(
                txt, *args, **kwargs
            )  # pystac takes orjson where it is there: no NaN, a cloud cover some have

    return Connection(headers=_NAME, timeout=TIMEOUT, max_retries=_patience())


def _patience() -> Any:  # noqa: ANN401 - urllib3's own
    retry = load("earthdata", "urllib3", "a search").Retry

    class Patience(retry):  # type: ignore[misc, valid-type]  # known when it runs
        def get_retry_after(self, response: object) -> float | None:
            asked = super().get_retry_after(response)
            return None if asked is None else min(asked, LONGEST_WAIT)

    return Patience(
        total=TRIES,
        connect=2,
        backoff_factor=BACKOFF,
        status_forcelist=_PASSING,
        allowed_methods=None,  # a search changes nothing: POST too can be asked again
        raise_on_status=False,
    )


def _matched(answer: Mapping[str, Any]) -> int | None:
    """Return how many Items the service says there are; not all say so."""
    context = answer.get("context")
    found = answer.get("numberMatched", context.get("matched") if isinstance(context, dict) else None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _reason(error: Exception) -> str:
    code = getattr(error, "status_code", None)
    if code is not None:
        meaning = _MEANINGS.get(code, "it is out of order; try again later" if code >= 500 else "it refuses")  # noqa: PLR2004
        return f"answered {code}: {meaning}"
    text = str(error)
    if "timed out" in text.lower():
        return f"did not answer within {TIMEOUT[1]} seconds; try again later"
    if "IncompleteRead" in text or "ended prematurely" in text:
        return "broke off in the middle of an answer; try again later"
    return "cannot be reached; check the network"
