"""Configuration, read once from the environment: ``MIS_*`` and ``DATABASE_URL``.

Every module takes a :class:`Settings`; none reads the environment itself. A value that cannot be right (an unknown
environment name, a server environment without a server) is an error at the start, not a surprise an hour later.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]


def _find_project_root() -> Path:
    """Return the folder that holds ``dbt_project/``: beside the package, else at or above the working folder."""
    candidates = (Path(__file__).resolve().parents[1], Path.cwd(), *Path.cwd().parents)
    for folder in candidates:
        if (folder / "dbt_project").is_dir():
            return folder
    raise FileNotFoundError(
        f"No dbt_project/ in {candidates[0]} nor at or above {candidates[1]}: run inside a checkout of the project."
    )


class Settings(BaseSettings):
    """All configuration of one installation.

    Raises ``pydantic.ValidationError`` on an unknown environment name or a value out of range. Its text never holds the
    rejected value, because that may be a password.
    """

    model_config = SettingsConfigDict(
        env_prefix="MIS_", env_ignore_empty=True, frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    environment: Literal["local", "server", "citus"] = "local"
    home: Path = Field(default=Path(".mis"), validate_default=True, description="Everything this installation writes.")
    database_url: SecretStr | None = Field(
        default=None, validation_alias="DATABASE_URL", description="A server to use instead of the embedded Postgres."
    )
    dagster_database_url: SecretStr | None = Field(
        default=None, description="Dagster's own database; default <warehouse>_dagster on the same server."
    )

    application: str = Field(
        default="mis", min_length=1, description="Our application's name in the ledger of consent."
    )
    keep_withdrawn_days: PositiveInt = Field(
        default=30, description="Days after which a school that has revoked may be deleted (`mis connections delete`)."
    )

    archive_url: str | None = Field(
        default=None, description="fsspec address of the page archive; default home/archive."
    )
    wonde_url: str | None = Field(default=None, description="The partner's API; the sandbox is run when absent.")
    wonde_token: SecretStr | None = None
    wonde_token_file: Path | None = None

    groupcall_url: str | None = Field(default=None, description="Groupcall's API, up to and with /api/v1/.")
    groupcall_token_url: str | None = Field(
        default=None, description="Where Groupcall gives tokens; default /api/oauth/GetToken of the same host."
    )
    groupcall_relying_party: str | None = Field(default=None, description="Our name at Groupcall.")
    groupcall_secrets_dir: Path | None = Field(
        default=None, description="Folder with a file a school that approved us; default home/groupcall."
    )
    history_from: date | None = Field(
        default=None, description="No marks before this day are asked for; by default all that a school shares."
    )
    amendment_days: PositiveInt = Field(
        default=15, description="School days whose marks are read again where a partner cannot say what changed."
    )

    page_size: PositiveInt = Field(default=200, description="Records asked for in one page.")
    partner_concurrency: PositiveInt = Field(default=8, description="Requests at once to one partner.")
    school_concurrency: PositiveInt = Field(default=2, description="Requests at once for one school.")
    requests_per_second: PositiveFloat | None = Field(
        default=None, description="Rate limit for one partner; none by default."
    )
    requests_per_day: PositiveInt | None = Field(
        default=None, description="Requests that the agenda may spend on one partner in a day; none by default."
    )
    request_timeout: PositiveFloat = Field(
        default=30.0, description="Seconds without an answer before a request is given up."
    )
    max_attempts: PositiveInt = Field(default=6, description="Tries of one request, the first included.")
    schools_per_batch: PositiveInt = Field(default=25, description="Schools fetched, gated and loaded together.")

    sandbox_partner: Literal["wonde", "groupcall", "both"] = Field(
        default="wonde", description="As which partner the sandbox serves its schools."
    )
    sandbox_schools: PositiveInt = 3
    sandbox_seed: int = 20250718
    sandbox_size: PositiveFloat = Field(default=1.0, description="Factor on the sandbox schools' number of pupils.")
    sandbox_today: date = Field(default=date(2025, 7, 18), description="The day on which the sandbox's clock stands.")

    entry_codes: Path | None = Field(
        default=None,
        description="Examination entry codes (CSV) instead of orchestration/files/entry_codes.csv.",
    )
    edi_layout: Path | None = Field(
        default=None, description="Layout of results day files instead of orchestration/files/edi_layout.toml."
    )
    suites_dir: Path | None = Field(default=None, description="Gate suites instead of the project's expectations/.")
    reports_url: AnyHttpUrl | None = Field(
        default=None, description="Where readers reach the reports: a proxy with TLS before them; default loopback."
    )
    connections_url: AnyHttpUrl | None = Field(
        default=None, description="Where operators reach the page of connections; `mis up` says where it serves it."
    )
    alert_webhook: AnyHttpUrl | None = Field(
        default=None, description="Where a failed run is reported, as JSON by POST."
    )

    @field_validator("home")
    @classmethod
    def _anchor_home(cls, value: Path) -> Path:
        # Dagster, dbt and the tests run with different working folders; all must mean the same .mis.
        return (_find_project_root() / value.expanduser()).resolve()

    @field_validator("database_url", "dagster_database_url")
    @classmethod
    def _check_database_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
            raise ValueError("must be postgresql://user:password@host:port/database, with the name of the database")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.environment != "local" and self.database_url is None:
            raise ValueError(
                f"MIS_ENVIRONMENT={self.environment} needs DATABASE_URL: the embedded Postgres is for local use only"
            )
        if self.groupcall_url is not None and self.groupcall_relying_party is None:
            raise ValueError("MIS_GROUPCALL_URL needs MIS_GROUPCALL_RELYING_PARTY: our name at Groupcall")
        if self.wonde_token is not None and self.wonde_token_file is not None:
            raise ValueError("set MIS_WONDE_TOKEN or MIS_WONDE_TOKEN_FILE, not both")
        return self

    @property
    def has_partner(self) -> bool:
        """Whether a partner is configured; else the sandbox stands in."""
        return self.wonde_url is not None or self.groupcall_url is not None

    @property
    def groupcall_secrets(self) -> Path:
        """The folder of the secrets by which schools let Groupcall be read."""
        return self.groupcall_secrets_dir or self.home / "groupcall"

    @property
    def project_root(self) -> Path:
        """The checkout: the folder that holds ``dbt_project/``."""
        return _find_project_root()

    @property
    def dbt_dir(self) -> Path:
        return self.project_root / "dbt_project"

    @property
    def attainment_dir(self) -> Path:
        """Where the seeds are by which results are understood."""
        return self.dbt_dir / "seeds" / "attainment"

    @property
    def references_dir(self) -> Path:
        """Where the references of estimates are that come with the platform."""
        return self.dbt_dir / "seeds" / "estimates"

    @property
    def column_permissions(self) -> Path:
        """Which scopes of a partner each column needs: see ``orchestration.ingest.permissions``."""
        return self.dbt_dir / "seeds" / "column_permission.csv"

    @property
    def expectations_dir(self) -> Path:
        """Where the suites of all gates are."""
        return self.suites_dir or self.project_root / "expectations"

    @property
    def reports_dir(self) -> Path:
        """Where the readable report of each gate is written."""
        return self.home / "gate_reports"

    @property
    def keep_withdrawn(self) -> timedelta:
        """How long what came from a school is kept after it has revoked."""
        return timedelta(days=self.keep_withdrawn_days)

    @property
    def archive(self) -> str:
        """Address of the page archive as fsspec takes it."""
        return self.archive_url or str(self.home / "archive")


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read from the environment at the first call."""
    return Settings()
