"""Reading from Wonde's sync API v1.0 (source_apis.md 1): schools, permissions, and the pages of each stream."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from orchestration.connectors.base import Mode, Page, School, SchoolState, Scope, Stream
from orchestration.connectors.errors import (
    ForeignAddress,
    InvalidInclude,
    MalformedPage,
    PartnerError,
    RequestRefused,
    ResourceNotSupplied,
    SchoolNotAvailable,
    ScopeNotGranted,
    Unauthorised,
)
from orchestration.connectors.http import Answer, Limits, PartnerHttp, Token, is_loopback, origin
from orchestration.connectors.values import LOCAL_ZONE, Code, Flag, text
from orchestration.connectors.wonde import envelope, streams
from orchestration.connectors.wonde.assessment import load_path_map
from orchestration.connectors.wonde.decode import WondeDecoder
from orchestration.connectors.wonde.streams import WondeStream
from orchestration.connectors.years import year_start
from orchestration.ingest.categories import Category

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: The lane of requests that belong to no single school.
_LISTS = ""

#: A school in a region of its own must be read there: elsewhere Wonde answers with no data instead of an error, which
#: would look like a school whose pupils have all gone. Our token goes to these hosts and the configured one, no other.
REGION_HOSTS = frozenset({"api.wonde.com", "api-ap-southeast-2.wonde.com", "api-af-south-1.wonde.com"})

#: Lists of schools by state, the weightiest first: a school that stands in several has the first one's state. A
#: withdrawal beats everything, because reading after it is worse than missing a day. Offline beats approved, since it
#: says that the approved connection brings nothing new. Audited and pending say how far an approval has come, so
#: approved beats them.
STATE_LISTS: tuple[tuple[SchoolState, str], ...] = (
    ("revoked", "schools/revoked"),
    ("declined", "schools/declined"),
    ("offline", "schools/offline"),
    ("approved", "schools"),
    ("audited", "schools/audited"),
    ("pending", "schools/pending"),
)

#: Of a partner's explanation of a refusal, so many characters are shown.
_SAID_LENGTH = 200


@dataclass(frozen=True, slots=True)
class WondeConfig:
    """Where and how Wonde is read.

    ``base_url`` ends in ``/v1.0/``; ``history_from`` leaves out marks before that day (None: all the school shares);
    ``assessment_paths`` names another path map than the built-in one. The token is in no repr.
    """

    base_url: str
    token: str = field(repr=False)
    page_size: int = 200
    limits: Limits = field(default_factory=Limits)
    history_from: date | None = None
    assessment_paths: Path | None = None

    def __post_init__(self) -> None:
        url = httpx.URL(self.base_url)
        if url.scheme not in ("http", "https") or not url.host or not url.path.endswith("/"):
            raise ValueError(f"base_url must be an http(s) address that ends in a slash, not {self.base_url!r}")
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            raise ValueError(
                "The token is empty or holds characters that no header can carry; check where it is read from"
            )


class _Region(msgspec.Struct):
    domain: str | None = None


class _School(msgspec.Struct):
    id: str
    name: str = ""
    urn: Code = None
    la_code: Code = None
    establishment_number: Code = None
    phase_of_education: str | None = None
    mis: str | None = None
    timezone: str | None = None
    region: _Region | None = None


class _Permission(msgspec.Struct):
    identity: str
    approved: Flag = None


class _SchoolMeta(msgspec.Struct):
    approved: bool | None = None
    custom_attendance_codes: bool | None = None


class _Refusal(msgspec.Struct):
    error: Any = None
    error_description: Any = None


_PERMISSIONS = msgspec.json.Decoder(envelope.PageOf[_Permission])
_SCHOOL = msgspec.json.Decoder(_School)
_ONE_SCHOOL = msgspec.json.Decoder(envelope.ObjectOf[_School])
_META = msgspec.json.Decoder(envelope.ObjectOf[_SchoolMeta])
_REFUSAL = msgspec.json.Decoder(_Refusal)


@dataclass(frozen=True, slots=True)
class _WalkedPage:
    body: bytes = field(repr=False)
    next_url: str | None
    at: datetime


class WondePartner:
    """Wonde as a ``base.Partner``. ``sleep`` and ``clock`` are the retry policy's time, for tests."""

    name: Final = "wonde"

    def __init__(
        self,
        config: WondeConfig,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._base = httpx.URL(config.base_url)
        self._assessment = load_path_map(config.assessment_paths)
        self._sleep = sleep
        self._clock = clock
        self._http: PartnerHttp | None = None
        self._domains: dict[str, str | None] = {}
        self._refused_includes: dict[tuple[str, str], tuple[str, ...]] = {}

    def __repr__(self) -> str:
        return f"WondePartner({self._config.base_url!r})"

    async def __aenter__(self) -> Self:
        if self._http is not None:
            raise RuntimeError("WondePartner is already in use in an event loop; make another one.")
        self._http = await PartnerHttp(
            Token("Bearer", self._config.token),
            self._config.limits,
            self._explain,
            proxies=not is_loopback(self._base),
            sleep=self._sleep,
            clock=self._clock,
        ).__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        http, self._http = self._connection, None
        await http.__aexit__(kind, error, trace)

    def streams(self, category: Category, mode: Mode) -> tuple[Stream, ...]:
        """See ``base.Partner``."""
        return streams.streams(category, mode, self._assessment)

    def decoder(self, category: Category) -> WondeDecoder:
        """See ``base.Partner``."""
        return WondeDecoder(category, self._assessment)

    def notices(self, school: School) -> tuple[str, ...]:
        """See ``base.Partner``."""
        return tuple(
            f"{stream}: the school's MIS refuses include {', '.join(includes)}; read without it."
            for (school_id, stream), includes in self._refused_includes.items()
            if school_id == school.partner_school_id
        )

    async def schools(self, known: Collection[str] = ()) -> list[School]:
        """Every school in any of the partner's lists, once, with the state of ``STATE_LISTS``.

        Approved and offline schools are asked about custom attendance codes, but for the ``known``.
        """
        lists = await asyncio.gather(*(self._school_list(path) for _, path in STATE_LISTS))
        found: dict[str, tuple[SchoolState, _School]] = {}
        for (state, _), listed in zip(STATE_LISTS, lists, strict=True):
            for school in listed:
                found.setdefault(school.id, (state, school))
        for _, school in found.values():
            self._domains[school.id] = _domain(school)
        return list(
            await asyncio.gather(
                *(self._describe(school, state, ask=school.id not in known) for state, school in found.values())
            )
        )

    async def school(self, partner_school_id: str) -> School | None:
        """See ``base.Partner``: described and approved, or None."""
        try:
            base = await self._school_base(partner_school_id)
            meta = await self._school_meta(base, partner_school_id)
            url = base.join(f"schools/{_segment(partner_school_id)}")
            found = await self._connection.get(
                url, school=partner_school_id, read=lambda answer: _decoded(_ONE_SCHOOL, answer.body).data
            )
        except (SchoolNotAvailable, ScopeNotGranted):
            return None
        return self._as_school(found, "approved", meta.custom_attendance_codes) if meta.approved else None

    async def scopes(self, school: School) -> list[Scope]:
        """What the school's permissions list says. A permission it does not answer for is not granted."""
        base = await self._school_base(school.partner_school_id)
        url = str(base.join(f"meta/schools/{_segment(school.partner_school_id)}/permissions"))
        return [
            Scope(permission.identity, permission.approved is True)
            async for answer in self._walk(url, base, school.partner_school_id)
            for permission in _decoded(_PERMISSIONS, answer.body).data
        ]

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
        """See ``base.Partner``. Raises ``PartnerError``; an include that the MIS refuses is dropped and noted."""
        if not isinstance(stream, WondeStream):
            raise TypeError(f"{stream.name} is not one of this partner's streams")
        school_id = school.partner_school_id
        base = await self._school_base(school_id)
        since = updated_after if stream.incremental else None
        covers_from = await self._covers_from(base, school_id, stream, this_year=this_year)
        number = first_number
        while True:
            url = resume_from or self._address(base, school_id, stream, since, covers_from)
            try:
                async for answer in self._walk(url, base, school_id):
                    yield Page(stream.name, number, answer.body, answer.next_url, answer.at, covers_from=covers_from)
                    number += 1
                return
            except InvalidInclude as refused:
                if resume_from or number > first_number:
                    raise
                await self._drop_include(base, school_id, stream, refused)
            except SchoolNotAvailable as missing:
                await self._check_approved(base, school_id, missing)
                raise ResourceNotSupplied(
                    f"The school's MIS does not supply {stream.path}.", where=missing.where, status=missing.status
                ) from None

    @property
    def _connection(self) -> PartnerHttp:
        if self._http is None:
            raise RuntimeError("Use the partner inside `async with partner:`")
        return self._http

    async def _walk(self, url: str, base: httpx.URL, lane: str) -> AsyncIterator[_WalkedPage]:
        """The page at ``url`` and those after it, all of them at ``base``'s origin."""
        allowed = origin(base)
        seen: set[str] = set()
        following: str | None = url
        while following:
            try:
                address = httpx.URL(following)
            except httpx.InvalidURL:
                address = httpx.URL()
            if origin(address) != allowed:
                raise ForeignAddress(
                    f"The partner points to {origin(address)!r} but is configured as {allowed!r}. "
                    "That was not followed; if the partner has moved, correct its address in the configuration."
                )
            if following in seen:
                raise MalformedPage(
                    "The partner's pages run in a circle: the next page was read before. Report it to the partner.",
                    where=address.path,
                )
            seen.add(following)
            page = await self._connection.get(address, school=lane, read=partial(_walked, address))
            yield page
            following = page.next_url

    async def _covers_from(
        self, base: httpx.URL, school_id: str, stream: WondeStream, *, this_year: bool
    ) -> date | None:
        """From which day on a long history is asked for; None for all of it."""
        if not stream.dated or (stream.incremental and not self._config.history_from):
            return None
        if not this_year:
            return self._config.history_from
        url = base.join(f"meta/schools/{_segment(school_id)}")
        today = await self._connection.get(url, school=school_id, read=_day)
        return max(year_start(today), self._config.history_from or date.min)

    def _address(
        self,
        base: httpx.URL,
        school_id: str,
        stream: WondeStream,
        since: datetime | None,
        covers_from: date | None,
    ) -> str:
        query = dict(stream.filters)
        if includes := self._includes(school_id, stream):
            query["include"] = ",".join(includes)
        if since:
            query["updated_after"] = since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        if covers_from:
            query["attendance_date_after"] = covers_from.isoformat()
        query["per_page"] = str(self._config.page_size)
        return str(base.join(f"schools/{_segment(school_id)}/{stream.path}").copy_merge_params(query))

    def _includes(self, school_id: str, stream: WondeStream) -> tuple[str, ...]:
        refused = self._refused_includes.get((school_id, stream.path), ())
        return tuple(include for include in stream.includes if include not in refused)

    async def _drop_include(
        self, base: httpx.URL, school_id: str, stream: WondeStream, refused: InvalidInclude
    ) -> None:
        """Take out of the stream's includes what the MIS refuses: the one it named, else each that fails by itself."""
        includes = self._includes(school_id, stream)
        bad = tuple(include for include in includes if include == refused.include)
        if not bad:
            alone = [await self._is_refused(base, school_id, stream, include) for include in includes]
            bad = tuple(include for include, failed in zip(includes, alone, strict=True) if failed)
        if not bad:
            raise RequestRefused(str(refused.args[0]), where=refused.where, status=refused.status)
        self._refused_includes[school_id, stream.path] = (
            *self._refused_includes.get((school_id, stream.path), ()),
            *bad,
        )
        logger.warning("School %s refuses include %s of %s; read without it.", school_id, ", ".join(bad), stream.path)

    async def _is_refused(self, base: httpx.URL, school_id: str, stream: WondeStream, include: str) -> bool:
        query = {**dict(stream.filters), "include": include, "per_page": "1"}
        url = base.join(f"schools/{_segment(school_id)}/{stream.path}").copy_merge_params(query)
        try:
            await self._connection.get(url, school=school_id, read=partial(_walked, url))
        except InvalidInclude:
            return True
        return False

    async def _check_approved(self, base: httpx.URL, school_id: str, missing: SchoolNotAvailable) -> None:
        """A missing resource is answered like a missing school (HTTP 404); the school's own record tells them apart."""
        try:
            meta = await self._school_meta(base, school_id)
        except (SchoolNotAvailable, ScopeNotGranted):
            raise missing from None
        if meta.approved is False:
            raise missing

    async def _school_meta(self, base: httpx.URL, school_id: str) -> _SchoolMeta:
        url = base.join(f"meta/schools/{_segment(school_id)}")
        return await self._connection.get(url, school=school_id, read=lambda answer: _decoded(_META, answer.body).data)

    async def _school_list(self, path: str) -> list[_School]:
        url = self._base.join(path).copy_merge_params({"per_page": str(self._config.page_size)})
        found = []
        async for answer in self._walk(str(url), self._base, _LISTS):
            for row in envelope.split_rows(answer.body):
                # A school that cannot be read must not hide the others.
                try:
                    found.append(_decoded(_SCHOOL, row))
                except MalformedPage as error:
                    logger.error("A school in the list %s was passed over: %s", path, error)
        return found

    async def _describe(self, school: _School, state: SchoolState, *, ask: bool) -> School:
        custom_codes = None
        if ask and state in ("approved", "offline"):
            try:
                meta = await self._school_meta(await self._school_base(school.id), school.id)
                custom_codes = meta.custom_attendance_codes
            except Unauthorised:
                raise
            except PartnerError as error:
                logger.warning("Whether school %s has custom attendance codes is not known: %s", school.id, error)
        return self._as_school(school, state, custom_codes)

    def _as_school(self, school: _School, state: SchoolState, custom_codes: bool | None) -> School:
        urn = text(school.urn)
        return School(
            partner=self.name,
            partner_school_id=school.id,
            name=school.name,
            urn=int(urn) if urn and urn.isdecimal() else None,
            la_code=text(school.la_code),
            establishment_number=text(school.establishment_number),
            phase=text(school.phase_of_education),
            mis=text(school.mis),
            timezone=text(school.timezone) or LOCAL_ZONE.key,
            state=state,
            has_custom_codes=custom_codes,
        )

    async def _school_base(self, school_id: str) -> httpx.URL:
        """Where the school is read. Asked of Wonde once, if the lists were not read before."""
        if self._base.host not in REGION_HOSTS:
            return self._base
        if school_id not in self._domains:
            url = self._base.join(f"schools/{_segment(school_id)}")
            school = await self._connection.get(
                url, school=school_id, read=lambda answer: _decoded(_ONE_SCHOOL, answer.body).data
            )
            self._domains[school_id] = _domain(school)
        domain = self._domains[school_id]
        if domain is None:
            return self._base
        if domain not in REGION_HOSTS:
            raise ForeignAddress(
                f"The school is kept at {domain!r}, which is none of Wonde's known regions. Nothing was read, because "
                "elsewhere the school would look empty. If the region is new, the connector has to learn it."
            )
        return self._base.copy_with(host=domain)

    def _explain(self, status: int, where: str, body: bytes) -> PartnerError:
        """What a refusal means (source_apis.md 1.3)."""
        try:
            refusal = _REFUSAL.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            refusal = _Refusal()
        # A partner may echo what it was sent.
        said = " ".join(str(part) for part in (refusal.error, refusal.error_description) if part)
        said = said.replace(self._config.token, "***")[:_SAID_LENGTH]
        match status:
            case 401:
                return Unauthorised(
                    "The partner refused our token. Check that it is set and was not revoked.",
                    where=where,
                    status=status,
                )
            case 403:
                return ScopeNotGranted(
                    f"The school does not share this with us ({said or 'no reason given'}). "
                    "Ask the school to approve the permission.",
                    where=where,
                    status=status,
                )
            case 404:
                return SchoolNotAvailable(
                    "The school is unknown to the partner or no longer approves us. "
                    "Look at its state in the partner's lists.",
                    where=where,
                    status=status,
                )
            case 400 if "include" in said.lower():
                named = refusal.error_description
                return InvalidInclude(
                    f"The school's MIS refuses an include ({said}).",
                    include=named if isinstance(named, str) else None,
                    where=where,
                    status=status,
                )
            case _:
                return RequestRefused(
                    f"The partner refused the request ({said or 'no reason given'}). Repeating will not help; "
                    "compare the address and the parameters with the partner's documentation.",
                    where=where,
                    status=status,
                )


def _domain(school: _School) -> str | None:
    return (school.region.domain or None) if school.region else None


def _segment(school_id: str) -> str:
    return quote(school_id, safe="")


def _day(answer: Answer) -> date:
    return _clock(answer).astimezone(LOCAL_ZONE).date()


def _clock(answer: Answer) -> datetime:
    if answer.at is None:
        raise MalformedPage("The answer has no Date header, so how recent its data are is not known.")
    return answer.at


def _walked(address: httpx.URL, answer: Answer) -> _WalkedPage:
    """The page that ``address`` was asked for. Another one in its place must not go for it: its rows would come twice,
    or those of the page that was asked for not at all."""
    at = _clock(answer)
    place = envelope.pagination(answer.body)
    following = place.next or None
    asked, came = address.params.get("page", "1"), text(place.current_page) or "0"
    by_cursor = "cursor" in address.params or "cursor=" in (following or "")
    if not by_cursor and came not in ("0", asked):
        raise MalformedPage(f"Page {asked} was asked for and page {came} came.", where=address.path)
    if following == str(address):
        raise MalformedPage("The page before the one that was asked for came.", where=address.path)
    return _WalkedPage(answer.body, following, at)


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedPage(f"The answer does not have the documented form: {error}") from None
