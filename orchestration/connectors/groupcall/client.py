"""Reading from Groupcall Xporter on Demand: schools, scopes, and the pages of each stream (source_apis.md 2)."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from orchestration.connectors.base import Mode, Page, School, SchoolState, Scope, Stream
from orchestration.connectors.errors import (
    ForeignAddress,
    MalformedPage,
    PartnerError,
    PartnerUnavailable,
    RequestRefused,
    SchoolNotAvailable,
    SchoolPaused,
)
from orchestration.connectors.groupcall import envelope, records, refusals, scopes, streams, windows
from orchestration.connectors.groupcall.decode import GroupcallDecoder
from orchestration.connectors.groupcall.envelope import Outside, Records
from orchestration.connectors.groupcall.refusals import TokenRefused
from orchestration.connectors.groupcall.secrets import SchoolSecret
from orchestration.connectors.groupcall.streams import GroupcallStream
from orchestration.connectors.groupcall.tokens import Tokens
from orchestration.connectors.http import Answer, Limits, PartnerHttp, Token, is_loopback, origin
from orchestration.connectors.values import LOCAL_ZONE
from orchestration.ingest.categories import Category

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Ask for everything, and for a point from which changes can be asked for later.
_FROM_THE_START = "*"

#: Result sets or aspects named in one request for results: it has to fit into an address.
_FILTERS_AT_ONCE = 100

_LOST_TRACK = (
    "the partner has lost track of what it told us before; read whole, and what was deleted since the last reading "
    "shows at the next full one."
)
_MOVED = (
    "the school's data changed while their pages were read; a row that moved between two pages may be missing until "
    "the next full reading."
)

_SCHOOL_INFO = Records(records.SchoolInfo)
_IDENTIFIED = Records(records.Identified)
_NAMES = msgspec.json.Decoder(list[str])


@dataclass(frozen=True, slots=True)
class GroupcallConfig:
    """Where and how XoD is read.

    ``base_url`` ends in ``/api/v1/``; ``token_url`` is where a school's secret is exchanged for a token;
    ``relying_party`` is our name at the partner. ``schools`` gives the schools that have approved us, with their
    secrets, each time it is called: the partner has no list of them. An incremental reading asks again for the marks of
    the last ``amendment_days`` days from Monday to Friday, because registers are corrected for days; none before
    ``history_from`` are asked for.
    """

    base_url: str
    token_url: str
    relying_party: str
    schools: Callable[[], Iterable[SchoolSecret]] = field(repr=False)
    page_size: int = 1000
    limits: Limits = field(default_factory=Limits)
    amendment_days: int = 15
    history_from: date | None = None

    def __post_init__(self) -> None:
        for name, ending in (("base_url", "/"), ("token_url", "")):
            value = getattr(self, name)
            url = httpx.URL(value)
            if url.scheme not in ("http", "https") or not url.host or not url.path.endswith(ending):
                raise ValueError(
                    f"{name} must be an http(s) address{ending and ' that ends in a slash'}, not {value!r}"
                )
        if not self.relying_party:
            raise ValueError("relying_party is empty; it is the name under which the partner knows us")
        if self.page_size < 1 or self.amendment_days < 1:
            raise ValueError("page_size and amendment_days must be at least 1")


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer with what surrounds its rows; ``body`` is what is kept of it, ``at`` the partner's clock."""

    body: bytes = field(repr=False)
    outside: Outside
    at: datetime


class GroupcallPartner:
    """Groupcall as a ``base.Partner``. ``sleep`` and ``clock`` are the retry policy's time, for tests."""

    name: Final = "groupcall"

    def __init__(
        self,
        config: GroupcallConfig,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._base = httpx.URL(config.base_url)
        self._token_url = httpx.URL(config.token_url)
        self._sleep = sleep
        self._clock = clock
        self._http: PartnerHttp | None = None
        self._secrets: dict[str, SchoolSecret] = {}
        self._tokens: Tokens | None = None
        self._notices: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def __repr__(self) -> str:
        return f"GroupcallPartner({self._config.base_url!r})"

    async def __aenter__(self) -> Self:
        if self._http is not None:
            raise RuntimeError("GroupcallPartner is already in use in an event loop; make another one.")
        self._read_secrets()
        self._http = await PartnerHttp(
            None,
            self._config.limits,
            self._explain,
            proxies=not is_loopback(self._base),
            sleep=self._sleep,
            clock=self._clock,
        ).__aenter__()
        self._tokens = Tokens(self._http, self._token_url, self._config.relying_party, self._secrets, self._clock)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        http, self._http, self._tokens = self._connection[0], None, None
        await http.__aexit__(kind, error, trace)

    def streams(self, category: Category, mode: Mode) -> tuple[Stream, ...]:
        """See ``base.Partner``."""
        return streams.streams(category, mode)

    def decoder(self, category: Category) -> GroupcallDecoder:
        """See ``base.Partner``."""
        return GroupcallDecoder(category)

    def notices(self, school: School) -> tuple[str, ...]:
        """See ``base.Partner``."""
        return tuple(f"{stream}: {said}" for stream, said in self._notices[school.partner_school_id].items())

    async def schools(self, known: Collection[str] = ()) -> list[School]:
        """Every school whose secret we hold: approved when it is worth a token, pending when paused, else revoked.

        A school that gives no data for its token is offline, and so is one that the partner cannot be asked about.
        ``known`` ones are asked likewise: nothing else tells their state. Raises ``PartnerError`` when it cannot be
        asked about any: the trouble is then not the schools'.
        """
        self._read_secrets()
        secrets = list(self._secrets.values())
        found = await asyncio.gather(*map(self._describe, secrets))
        errors = [one for one in found if isinstance(one, PartnerError)]
        if errors and len(errors) == len(found):
            raise errors[0]
        return [
            self._school(secret, "offline") if isinstance(one, PartnerError) else one
            for secret, one in zip(secrets, found, strict=True)
        ]

    async def school(self, partner_school_id: str) -> School | None:
        """See ``base.Partner``: as the exchange of its secret for a token shows it; None without one."""
        self._read_secrets()
        secret = self._secrets.get(partner_school_id)
        if secret is None:
            return None
        found = await self._describe(secret)
        if isinstance(found, PartnerError):
            raise found
        return found if found.state != "revoked" else None

    async def scopes(self, school: School) -> list[Scope]:
        """The scopes we ask every school for, and which of them the school's token has (``TokenDetails``)."""
        estab = school.partner_school_id
        granted = await self._get(estab, self._base.join("TokenDetails"), _granted)
        return [Scope(name, name in granted) for name in scopes.NAMES]

    async def pages(
        self,
        school: School,
        stream: Stream,
        *,
        updated_after: datetime | None,
        cursor: str | None = None,
        this_year: bool = False,
        resume_from: str | None = None,
        first_number: int = 1,
    ) -> AsyncIterator[Page]:
        """See ``base.Partner``. Raises ``PartnerError``.

        A cursor that the partner does not know any more is replaced by reading the stream whole, and noted.
        """
        if not isinstance(stream, GroupcallStream):
            raise TypeError(f"{stream.name} is not one of this partner's streams")
        estab = school.partner_school_id
        since = updated_after.astimezone(LOCAL_ZONE).date() if updated_after else None
        walk = _Walk(await self._addresses(estab, stream, since, cursor))
        notices = self._notices[estab]
        if resume_from:
            walk.go_to(resume_from)
        else:
            notices.pop(stream.name, None)
        as_at: datetime | None = None
        number = first_number
        while walk.address is not None:
            try:
                asked = await self._ask(estab, stream, walk.address)
            except RequestRefused:
                if not (stream.tracked and cursor) or resume_from or number > first_number:
                    raise
                logger.warning("School %s, %s: the partner has lost track; read whole.", estab, stream.name)
                notices[stream.name] = _LOST_TRACK
                cursor = None
                walk = _Walk(await self._addresses(estab, stream, since, cursor))
                continue
            as_at = asked.outside.as_at or as_at or asked.at
            if walk.go_on(asked.outside):
                notices[stream.name] = _MOVED
            yield Page(stream.name, number, asked.body, walk.next_url, as_at, walk.cursor)
            number += 1

    @property
    def _connection(self) -> tuple[PartnerHttp, Tokens]:
        if self._http is None or self._tokens is None:
            raise RuntimeError("Use the partner inside `async with partner:`")
        return self._http, self._tokens

    def _read_secrets(self) -> None:
        held = {secret.estab: secret for secret in self._config.schools()}
        self._secrets.clear()
        self._secrets.update(held)

    async def _get(self, estab: str, url: httpx.URL, read: Callable[[Answer, Outside], T]) -> T:
        """What ``read`` makes of a good answer. A token that is not taken is replaced, once."""
        _, tokens = self._connection
        token = await tokens.of(estab)
        try:
            return await self._get_with(token, estab, url, read)
        except TokenRefused:
            token = await tokens.of(estab, instead_of=token)
        try:
            return await self._get_with(token, estab, url, read)
        except TokenRefused as refused:
            raise SchoolNotAvailable(
                "The partner does not take the token that it has just given for the school. Look at the school's "
                "authorisation at the partner.",
                where=refused.where,
                status=refused.status,
            ) from None

    async def _get_with(self, token: Token, estab: str, url: httpx.URL, read: Callable[[Answer, Outside], T]) -> T:
        def checked(answer: Answer) -> T:
            outside = envelope.of(answer)
            if outside.exception:
                raise refusals.of_data(token.hidden_in(outside.exception), url.path)
            return read(answer, outside)

        http, _ = self._connection
        return await http.get(url, school=estab, read=checked, auth=token)

    async def _ask(self, estab: str, stream: GroupcallStream, url: httpx.URL) -> _Asked:
        page = int(url.params.get("page", "1"))

        def read(answer: Answer, outside: Outside) -> _Asked:
            if not any(outside.rows(name) is not None for name in stream.sets):
                raise MalformedPage(
                    f"The answer has neither {' nor '.join(stream.sets)} nor a reason why.", where=url.path
                )
            if outside.page not in (None, page):
                raise MalformedPage(f"Page {page} was asked for and page {outside.page} came.", where=url.path)
            at = answer.at or outside.as_at
            if at is None:
                raise MalformedPage(
                    "The answer has neither meta nor a Date header, so how recent its data are is not known.",
                    where=url.path,
                )
            return _Asked(_without_values(answer.body, stream.withheld), outside, at)

        return await self._get(estab, url, read)

    async def _addresses(
        self, estab: str, stream: GroupcallStream, since: date | None, cursor: str | None
    ) -> list[httpx.URL]:
        """The first pages of the requests that a stream is cut into, in their order."""
        base = self._base.join(f"School/{quote(estab, safe='')}/{stream.path}")
        match stream.cut:
            case "one":
                parts: list[dict[str, str]] = [{}]
            case "results":
                parts = await self._result_filters(estab)
            case "months" | "weeks":
                parts = await self._dates_due(estab, stream, since)
        common = dict(stream.query)
        if stream.tracked:
            common["changedRows"] = (cursor if stream.incremental else None) or _FROM_THE_START
        if stream.paged:
            common["pageSize"] = str(self._config.page_size)
        return [base.copy_merge_params({**part, **common}) for part in parts]

    async def _dates_due(self, estab: str, stream: GroupcallStream, since: date | None) -> list[dict[str, str]]:
        """The parameters that ask for the marks that are due, of a range or of a day each."""
        today = await self._today(estab)
        ranges = (
            windows.months(today)
            if stream.cut == "months"
            else windows.weeks(today, self._config.amendment_days, since)
        )
        ranges = windows.since(ranges, self._config.history_from)
        if stream.by_day:
            return [{"date": day.isoformat()} for day in windows.school_days(ranges, today)]
        return [{"DateFrom": first.isoformat(), "DateTo": last.isoformat()} for first, last in ranges]

    async def _today(self, estab: str) -> date:
        """The day by the partner's clock. The time of data is no measure: they may come from yesterday's cache."""

        def read(answer: Answer, outside: Outside) -> date:
            if answer.at is None:
                raise MalformedPage("The answer has no Date header, so which marks are due is not known.")
            return answer.at.astimezone(LOCAL_ZONE).date()

        return await self._get(estab, self._base.join("TokenDetails"), read)

    async def _result_filters(self, estab: str) -> list[dict[str, str]]:
        """Results need a filter (source_apis.md 2.6): those of every result set, then those of aspects without one."""
        (address,) = await self._addresses(estab, streams.STRUCTURE, None, None)
        structure = (await self._ask(estab, streams.STRUCTURE, address)).outside
        sets = [{"ResultSets": ",".join(some)} for some in _in_batches(_keys(structure.rows("ResultSets")))]
        alone = [f"{key}|" for key in _keys(structure.rows("Aspects"))]
        return sets + [{"Aspects": ",".join(some)} for some in _in_batches(alone)]

    async def _describe(self, secret: SchoolSecret) -> School | PartnerError:
        """The school as it stands at the partner, or why the partner could not be asked about it."""
        _, tokens = self._connection
        try:
            await tokens.of(secret.estab)
            return await self._approved(secret)
        except SchoolPaused:
            return self._school(secret, "pending")
        except SchoolNotAvailable:
            return self._school(secret, "revoked")
        except PartnerError as error:
            logger.warning("School %s could not be asked about: %s", secret.estab, error)
            return error

    async def _approved(self, secret: SchoolSecret) -> School:
        (address,) = await self._addresses(secret.estab, streams.SCHOOL_INFO, None, None)
        try:
            outside = (await self._ask(secret.estab, streams.SCHOOL_INFO, address)).outside
            info = _first_school(outside.rows("SchoolInfo"))
        except SchoolNotAvailable:
            raise
        except PartnerUnavailable as error:
            # It gives a token and no data: its connector does not answer.
            logger.warning("School %s is offline: %s", secret.estab, error)
            return self._school(secret, "offline")
        except PartnerError as error:
            logger.warning("Details of school %s are not known: %s", secret.estab, error)
            return self._school(secret, "approved")
        return self._school(secret, "approved", name=info.Name, phase=info.Phase, mis=outside.mis)

    def _school(
        self,
        secret: SchoolSecret,
        state: SchoolState,
        *,
        name: str | None = None,
        phase: str | None = None,
        mis: str | None = None,
    ) -> School:
        # The estab inside the data may be another one than was asked for (source_apis.md 2.3): ours is the key.
        return School(
            partner=self.name,
            partner_school_id=secret.estab,
            name=name or secret.name,
            urn=None,
            la_code=secret.estab[:3],
            establishment_number=secret.estab[3:],
            phase=phase or None,
            mis=mis,
            timezone=LOCAL_ZONE.key,
            state=state,
        )

    def _explain(self, status: int, where: str, body: bytes) -> PartnerError:
        return refusals.of_status(status, where, exchange=where == self._token_url.path)


class _Walk:
    """Where the reading of a stream stands: among the addresses it is cut into, and among the pages of one.

    ``cursor`` is what the first page said to ask with next time: what changes while the others are read then comes
    again, and is not missed. It goes along in the fragment of ``next_url``, which is sent to nobody, so that a walk
    that is taken up again has it too.
    """

    def __init__(self, addresses: list[httpx.URL]) -> None:
        self._addresses = addresses
        self._place = 0
        self._page = 1
        self._total: int | None = None
        self.cursor: str | None = None

    @property
    def address(self) -> httpx.URL | None:
        """The page to ask for; None when all are read."""
        if self._place == len(self._addresses):
            return None
        address = self._addresses[self._place]
        return address if self._page == 1 else address.copy_merge_params({"page": str(self._page)})

    @property
    def next_url(self) -> str | None:
        """The page to ask for as ``go_to`` takes it."""
        address = self.address
        if address is None:
            return None
        return str(address.copy_with(fragment=quote(self.cursor, safe="")) if self.cursor else address)

    def go_on(self, outside: Outside) -> bool:
        """Go to the page after the one that was answered; whether rows have come or gone since the page before it.

        ``NextPage`` is filled on the last page too, so the count decides (source_apis.md 2.2).
        """
        moved = None not in (self._total, outside.total) and self._total != outside.total
        self._total = outside.total
        self.cursor = self.cursor or outside.next_changed_rows
        if self._page < (outside.pages or 1):
            self._page += 1
        else:
            self._place, self._page, self._total = self._place + 1, 1, None
        return moved

    def go_to(self, next_url: str) -> None:
        """Go to where another walk would have gone on.

        Raises ``ForeignAddress`` for an address that is none of the partner's, ``RequestRefused`` for one that is not
        among those of today: the days that are due, or the result sets, are others.
        """
        try:
            url = httpx.URL(next_url)
        except httpx.InvalidURL:
            url = httpx.URL()
        known = [_bare(address) for address in self._addresses]
        if known and origin(url) != origin(self._addresses[0]):
            raise ForeignAddress(
                f"The reading would go on at {origin(url)!r} but the partner is at {origin(self._addresses[0])!r}. "
                "If the partner has moved, read the school again from the start."
            )
        if _bare(url) not in known:
            raise RequestRefused("What is due has changed since the reading was interrupted; begin it again.")
        self._place = known.index(_bare(url))
        self._page = int(url.params.get("page", "1"))
        self.cursor = url.fragment or None
        # A walk that was begun with another cursor goes on with that one.
        self._addresses[self._place] = url.copy_remove_param("page").copy_with(fragment=None)


def _bare(url: httpx.URL) -> tuple[str, list[tuple[str, str]]]:
    """An address without what differs between the pages and the readings of one request."""
    return url.path, sorted(item for item in url.params.multi_items() if item[0] not in ("page", "changedRows"))


def _in_batches(keys: list[str]) -> list[list[str]]:
    return [keys[start : start + _FILTERS_AT_ONCE] for start in range(0, len(keys), _FILTERS_AT_ONCE)]


def _keys(rows: bytes | None) -> list[str]:
    """The keys of a result set's rows. A row that has none is set aside where the structure itself is decoded."""
    found = []
    for row in envelope.split(rows) if rows else []:
        try:
            found.append(str(_IDENTIFIED.one(row).Id))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def _granted(_: Answer, outside: Outside) -> frozenset[str]:
    names = outside.value("Scopes", _NAMES.decode)
    if names is None:
        raise MalformedPage("The token's details name no scopes.")
    return frozenset(names)


def _first_school(rows: bytes | None) -> records.SchoolInfo:
    try:
        found: list[records.SchoolInfo] = _SCHOOL_INFO.all(rows or b"[]")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedPage(f"SchoolInfo does not have the documented form: {error}") from None
    return found[0] if found else records.SchoolInfo()


def _without_values(body: bytes, columns: tuple[str, ...]) -> bytes:
    """A body with null for every value of the named columns, in whatever case they are written."""
    for column in columns:
        body = re.sub(
            rb'("' + column.encode() + rb'"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|[^\s,}\]]+)',
            rb"\1null",
            body,
            flags=re.IGNORECASE,
        )
    return body
