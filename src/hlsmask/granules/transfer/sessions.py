"""Requests for files, with a login only where it belongs: Earthdata's to Earthdata, a signature to Azure."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from hlsmask.errors import ServiceError
from hlsmask.extras import load
from hlsmask.granules.catalogue.service import TIMEOUT
from hlsmask.hrefs import public_href

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EARTHDATA: Final = (".earthdata.nasa.gov", ".earthdatacloud.nasa.gov")
"""Hosts that a NASA login is for end so."""
LOGIN_HOST: Final = "urs.earthdata.nasa.gov"
"""Where one logs in."""
_BLOBS: Final = ".blob.core.windows.net"
"""Hosts of the Planetary Computer's files."""
_MOST_REDIRECTS: Final = 10
_SIGNING_TRIES: Final = 3
"""The library's own ten take seven minutes where there is no network."""
_HOW: Final = (
    "put 'machine urs.earthdata.nasa.gov login NAME password PASSWORD' into ~/.netrc, or set EARTHDATA_TOKEN; "
    "an account is free at https://urs.earthdata.nasa.gov"
)


class Sessions:
    """Sessions a thread: one that is logged in to Earthdata, one for all other hosts."""

    def __init__(self) -> None:
        """Nothing is logged in yet."""
        self._own = threading.local()
        self._all: list[Any] = []
        self._login: Any = None
        self._locked = threading.Lock()

    def prepare(self, hrefs: Iterable[str]) -> None:
        """Log in to Earthdata if any of `hrefs` is there.

        Raises
        ------
        ServiceError
            If there are no credentials, or they are refused.
        MissingPackageError
            If a package is missing.
        """
        hrefs = list(hrefs)
        if any(is_earthdata(href) for href in hrefs):
            self._earthdata()
        if any(_is_blob(href) for href in hrefs):
            load("earthdata", "planetary_computer", "a download from the Planetary Computer")

    def get(self, href: str, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - a requests.Response
        """Return the answer to a GET, its body not yet read; redirections are followed, each with its own login.

        Raises
        ------
        ServiceError
            If there are too many, or one leads from https to http.
        Exception
            What requests raises where a server cannot be reached.
        """
        href = self._signed(href)
        host = urlsplit(href).hostname
        token = True
        for _ in range(_MOST_REDIRECTS):
            with_login = is_earthdata(href)
            token = token and urlsplit(href).hostname == host
            session = self._session(with_login=with_login)
            sent = dict(headers) if token else {**headers, "Authorization": None}
            answer = session.get(href, headers=sent, stream=True, allow_redirects=False, timeout=TIMEOUT)
            if not answer.is_redirect:
                return answer
            following = urljoin(href, answer.headers["Location"])
            answer.close()
            if href.startswith("https://") and not following.startswith("https://"):
                raise ServiceError(f"{public_href(href)} leads from https to {public_href(following)}: not followed")
            href = following
        raise ServiceError(f"{public_href(href)} leads elsewhere more than {_MOST_REDIRECTS} times")

    def close(self) -> None:
        """Close all connections."""
        for session in self._all:
            session.close()

    def _session(self, *, with_login: bool) -> Any:  # noqa: ANN401 - a requests.Session
        name = "earthdata" if with_login else "plain"
        session = getattr(self._own, name, None)
        if session is None:
            if with_login:
                session = self._earthdata().get_session()
            else:
                session = load("earthdata", "requests", "a download").Session()
                session.auth = _no_login
            setattr(self._own, name, session)
            self._all.append(session)
        return session

    def _signed(self, href: str) -> str:
        """Return a URL that the Planetary Computer signed, where it is one of its files; signatures last minutes."""
        parts = urlsplit(href)
        if not _is_blob(href) or "sig=" in parts.query:
            return href
        library = load("earthdata", "planetary_computer.sas", "a download from the Planetary Computer")
        account, container = (parts.hostname or "").partition(".")[0], parts.path.split("/")[1]
        try:
            with self._locked:  # it keeps what it got: one thread asks, the others find it
                token = library.get_token(account, container, retry_total=_SIGNING_TRIES)
        except OSError as error:  # requests' errors are
            raise ServiceError(f"the Planetary Computer does not sign {public_href(href)}; try again later") from error
        signed: str = token.sign(href).href
        return signed

    def _earthdata(self) -> Any:  # noqa: ANN401 - earthaccess's own
        with self._locked:
            if self._login is None:
                self._login = _log_in()
            return self._login


def is_earthdata(href: str) -> bool:
    """Say whether a NASA login may be sent to `href`."""
    parts = urlsplit(href)
    return parts.scheme == "https" and (parts.hostname or "").endswith(EARTHDATA)


def _is_blob(href: str) -> bool:
    return (urlsplit(href).hostname or "").endswith(_BLOBS)


def _no_login(request: Any) -> Any:  # noqa: ANN401 - requests' own
    """Send no login: without this, requests looks into ~/.netrc."""
    return request


def _log_in() -> Any:  # noqa: ANN401 - earthaccess's own
    """Log in by the environment, else by ~/.netrc; never ask, never keep anything."""
    login = load("earthdata", "earthaccess", "a download from NASA Earthdata").Auth()
    logging.getLogger("earthaccess").addHandler(logging.NullHandler())  # we say ourselves what is wrong
    unavailable = load("earthdata", "earthaccess.exceptions", "a download from NASA Earthdata").LoginStrategyUnavailable
    for strategy in ("environment", "netrc"):
        try:
            login.login(strategy=strategy, persist=False)
        except unavailable:
            continue
        except OSError as error:  # requests' errors are
            raise ServiceError(f"NASA Earthdata ({LOGIN_HOST}) cannot be reached to log in; try again later") from error
        except Exception as error:
            where = "the environment" if strategy == "environment" else "~/.netrc"
            raise ServiceError(f"NASA Earthdata does not accept the login of {where}: check it, or {_HOW}") from error
        if login.authenticated:
            return login
    raise ServiceError(f"NASA Earthdata wants a login: {_HOW}")
