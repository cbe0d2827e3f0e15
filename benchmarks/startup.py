"""What is paid before and around the work: imports, definitions, parsing the dbt project, Dagster's events.

The work is a run that finds nothing new, which is where such costs weigh most: all categories asked for, all marts
built, gated and published again. It is done by Dagster (the chain of ``mis run``, on pooled storage) and by calling the
same functions directly, in turns in one process.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict

from benchmarks import dagster_chain
from benchmarks.children import Child, environment, in_a_process, python
from benchmarks.dagster_chain import ChainCosts
from benchmarks.measuring import Cost, Spread
from benchmarks.report import Result, Table

_IMPORTS = {
    "Python itself": "pass",
    "the command line (`mis --help`)": "import orchestration.cli",
    "the extract loop": "import orchestration.ingest.extract",
    "Dagster": "import dagster",
    "dbt": "import dbt.cli.main",
    "Great Expectations": "import orchestration.quality.expectations",
    "the definitions of all assets": "import orchestration.definitions",
}


def measure(*, quick: bool) -> Result:
    """The chain and the direct calls, then imports in processes of their own."""
    rounds, size = (2, 0.04) if quick else (3, 1.0)
    with tempfile.TemporaryDirectory(prefix="mis-bench-") as home:
        # First, because the definitions need the manifest that it makes.
        chain = in_a_process(dagster_chain.measure, home, size, rounds)
        env = environment(MIS_HOME=home)
        imports: dict[str, list[Child]] = {name: [] for name in _IMPORTS}
        for _ in range(rounds):
            for name, statement in _IMPORTS.items():
                imports[name].append(python("-c", statement, env=env))
    return _result(imports, chain)


def _result(imports: dict[str, list[Child]], chain: ChainCosts) -> Result:
    # By processor seconds: on a busy machine the clock's differences are those of the machine.
    added = [whole.cpu - work.cpu for whole, work in zip(chain.by_dagster, chain.directly, strict=True)]
    paid = Spread.of(added).median
    first, again = chain.first.cpu, Spread.of([cost.cpu for cost in chain.by_dagster]).median
    return Result(
        "startup",
        [_imports(imports), _loading(chain), _events(chain)],
        {"imports": {name: [asdict(child) for child in of] for name, of in imports.items()}, "chain": asdict(chain)},
        aims=[
            f"Dagster adds {Spread.of(added).text('.1f')} CPU seconds to a chain: {paid / first:.0%} of the first"
            f" chain's {first:.0f}, {paid / again:.0%} of the {again:.0f} of one that finds nothing new."
        ],
    )


def _imports(imports: dict[str, list[Child]]) -> Table:
    return Table(
        "Imports, each in a process of its own, median (least-most)",
        ("what", "seconds", "CPU s", "MiB"),
        [
            (
                name,
                Spread.of([child.wall for child in of]).text(".2f"),
                Spread.of([child.cpu for child in of]).text(".2f"),
                f"{Spread.of([child.peak for child in of]).median:.0f}",
            )
            for name, of in imports.items()
        ],
    )


def _loading(chain: ChainCosts) -> Table:
    return Table(
        "Loading",
        ("what", "seconds"),
        [
            ("parsing the dbt project whole (after a change of it)", Spread.of(chain.parsing).text(".2f")),
            ("definitions, manifest read, after the imports of Dagster and dbt", f"{chain.definitions:.2f}"),
        ],
    )


def _events(chain: ChainCosts) -> Table:
    def row(name: str, costs: list[Cost]) -> tuple[str, ...]:
        return (
            name,
            Spread.of([cost.wall for cost in costs]).text(".2f"),
            Spread.of([cost.ours for cost in costs]).text(".2f"),
            Spread.of([cost.theirs["postgres"] for cost in costs]).text(".2f"),
        )

    return Table(
        f"A chain that finds nothing new, {chain.events} Dagster events, median (least-most)",
        ("how", "seconds", "CPU s here", "CPU s Postgres"),
        [
            row("by Dagster, pooled storage", chain.by_dagster),
            row("the same functions called directly", chain.directly),
            row("the first chain, by Dagster, which extracts everything", [chain.first]),
        ],
    )
