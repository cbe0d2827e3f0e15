"""The warehouse as the rest of the platform sees it: two databases of one server, and how to reach them.

Whether the server is the embedded one or somebody else's is decided here and known nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo
from psycopg.rows import TupleRow

from orchestration.settings import Settings
from orchestration.warehouse.cluster import Cluster

_WAREHOUSE_DATABASE = "mis"
_DAGSTER_DATABASE = "dagster"
_MAINTENANCE_DATABASE = "postgres"
_OLDEST_SERVER = 150000  # security_invoker views and merge came with 15, on which Citus 13 still stands


class WarehouseError(RuntimeError):
    """The warehouse cannot be used as configured; the text says what to do and holds no password."""


class Warehouse:
    """Addresses of the warehouse database and of Dagster's. Neither ``repr`` nor ``str`` tells the password."""

    def __init__(self, url: str, dagster_url: str) -> None:
        self._parameters = _parameters(url)
        self._dagster_parameters = _parameters(dagster_url)

    def __repr__(self) -> str:
        return f"Warehouse({_describe(self._parameters)}, dagster={_describe(self._dagster_parameters)})"

    @property
    def url(self) -> str:
        """Address in libpq's form, ``postgresql://``, password included."""
        return _url("postgresql", self._parameters)

    @property
    def sqlalchemy_url(self) -> str:
        """Address for SQLAlchemy, which otherwise chooses a driver by its own version."""
        return _url("postgresql+psycopg2", self._parameters)

    @property
    def dagster_url(self) -> str:
        """Address of Dagster's own database, for SQLAlchemy."""
        return _url("postgresql+psycopg2", self._dagster_parameters)

    def connect(self, autocommit: bool = False) -> psycopg.Connection[TupleRow]:
        """Open a session in the warehouse database."""
        return psycopg.connect(make_conninfo(**self._parameters), autocommit=autocommit)

    def env(self) -> dict[str, str]:
        """Return what dbt's profile and Dagster's configuration read, for this process and its children.

        Parameters of the address beyond host, port, user, password and database (``sslmode``, ``options`` ...) go by
        the names that libpq itself reads, so that every client in a child process follows them.
        """
        parameters = dict(self._parameters)
        named = {
            "MIS_PG_HOST": parameters.pop("host"),
            "MIS_PG_PORT": parameters.pop("port"),
            "MIS_PG_USER": parameters.pop("user"),
            "MIS_PG_PASSWORD": parameters.pop("password", ""),
            "MIS_PG_DB": parameters.pop("dbname"),
            "MIS_PG_DAGSTER_DB": self._dagster_parameters["dbname"],
            "MIS_PG_DAGSTER_URL": self.dagster_url,
        }
        libpq_names = {
            option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar
        }
        return named | {libpq_names[name]: value for name, value in parameters.items() if name in libpq_names}


@contextmanager
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    """Use the warehouse for a block: the server of ``DATABASE_URL``, else the embedded one, leased for so long.

    Makes the two databases where they are missing. Raises WarehouseError when the server cannot be reached, is too old
    or may not be given a database, and ClusterError when the embedded server cannot be started.
    """
    if settings.database_url is not None:
        yield _open(settings.database_url.get_secret_value(), settings)
        return
    cluster = Cluster(settings.home / "postgres")
    with cluster.lease():
        yield _open(cluster.url(_WAREHOUSE_DATABASE), settings)


def _open(url: str, settings: Settings) -> Warehouse:
    parameters = _parameters(url)
    if settings.dagster_database_url is not None:
        dagster_url = settings.dagster_database_url.get_secret_value()
    else:
        name = _DAGSTER_DATABASE if settings.database_url is None else f"{parameters['dbname']}_{_DAGSTER_DATABASE}"
        dagster_url = _url("postgresql", parameters | {"dbname": name})
    _ensure_database(parameters, "DATABASE_URL")
    _ensure_database(_parameters(dagster_url), "MIS_DAGSTER_DATABASE_URL")
    return Warehouse(url, dagster_url)


def _ensure_database(parameters: Mapping[str, str], setting: str) -> None:
    """Make the database unless it can be connected to."""
    try:
        _check_server(parameters)
        return
    except psycopg.OperationalError as refused:
        if not _is_missing(parameters):
            raise WarehouseError(
                f"Cannot connect to {_describe(parameters)} ({_one_line(refused)}). Is the server up, and are the "
                f"address, user and password in {setting} right?"
            ) from None
    _create(parameters, setting)
    _check_server(parameters)


def _check_server(parameters: Mapping[str, str]) -> None:
    with psycopg.connect(make_conninfo(**parameters)) as connection:
        version = connection.info.server_version
        if version < _OLDEST_SERVER:
            raise WarehouseError(f"{_describe(parameters)} runs PostgreSQL {version // 10000}; 15 or later is needed.")
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise WarehouseError(
                f"The database {_describe(parameters)} has the encoding {encoding}, which cannot hold every name. "
                "Create it again with: create database ... encoding 'UTF8' template template0"
            )


def _is_missing(parameters: Mapping[str, str]) -> bool:
    """Tell whether the server answers and has no such database: libpq gives no code for a refused connection."""
    try:
        with psycopg.connect(make_conninfo(**{**parameters, "dbname": _MAINTENANCE_DATABASE})) as connection:
            query = "select 1 from pg_database where datname = %s"
            return connection.execute(query, [parameters["dbname"]]).fetchone() is None
    except psycopg.OperationalError:
        return False


def _create(parameters: Mapping[str, str], setting: str) -> None:
    name = parameters["dbname"]
    conninfo = make_conninfo(**{**parameters, "dbname": _MAINTENANCE_DATABASE})
    with psycopg.connect(conninfo, autocommit=True) as connection:
        create = sql.SQL("create database {} encoding 'UTF8' template template0").format(sql.Identifier(name))
        try:
            connection.execute(create)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return  # another process was quicker
        except psycopg.errors.InsufficientPrivilege:
            raise WarehouseError(
                f"The database {name} does not exist and {parameters['user']} may not create it. Ask an administrator "
                f"for: create database {name} owner {parameters['user']} encoding 'UTF8' template template0; "
                f"or name another in {setting}."
            ) from None


def _parameters(url: str) -> dict[str, str]:
    """Split a libpq address; host, port and user are always present in the result."""
    defaults = {"host": "localhost", "port": "5432"}
    given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    parameters = defaults | given
    if "user" not in parameters:
        raise WarehouseError(f"The address of the database {parameters.get('dbname')} names no user.")
    return parameters


def _url(scheme: str, parameters: Mapping[str, str]) -> str:
    rest = dict(parameters)
    user = quote(rest.pop("user"), safe="")
    password = rest.pop("password", None)
    login = user if password is None else f"{user}:{quote(password, safe='')}"
    name = quote(rest.pop("dbname"), safe="")
    host, port = rest["host"], rest["port"]
    if host.startswith("/") or "," in host:  # a socket's folder, or several servers: neither fits before the path
        return f"{scheme}://{login}@/{name}?{urlencode(rest, quote_via=quote)}"
    del rest["host"], rest["port"]
    place = f"[{host}]" if ":" in host else host
    query = f"?{urlencode(rest, quote_via=quote)}" if rest else ""
    return f"{scheme}://{login}@{place}:{port}/{name}{query}"


def _describe(parameters: Mapping[str, str]) -> str:
    return f"{parameters['user']}@{parameters['host']}:{parameters['port']}/{parameters['dbname']}"


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())
