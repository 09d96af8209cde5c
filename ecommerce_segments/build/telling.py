"""How a run tells what it does: a bar on a terminal, a line per phase elsewhere, events for programs, or dbt's own
lines."""

import json
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

# All that dbt says goes to its log, in a file.
IN_SILENCE = ("--quiet", "--log-level", "none", "--log-level-file", "debug")

# Of the table of what was left out.
HEADING = ("table", "received", "kept", "duplicates", "deleted", "rejected", "repaired", "most often")


@dataclass(frozen=True)
class LeftOut:
    """tables: one dict per raw table, in the keys of HEADING; notes: sentences on what else is odd."""

    tables: list[dict]
    notes: list[str]

    def lines(self, width: int | None = None) -> list[str]:
        """As a table for people, and the notes. width: of the screen, if it is one."""
        cells = [
            HEADING,
            *(
                tuple(f"{value:,}" if isinstance(value, int) else value for value in table.values())
                for table in self.tables
            ),
        ]
        return aligned(cells, width) + self.notes


class Teller:
    """Lines for people on stdout, faults on stderr. verbose: dbt says all that it has to say, too."""

    def __init__(self, verbose: bool = False):
        self.dbt_options = () if verbose else IN_SILENCE
        self.console = Console(highlight=False)
        self.bar: Progress | None = None
        self.has_bar = sys.stdout.isatty() and not verbose

    def say(self, text: str) -> None:
        """Lines on stdout, at once: what follows may take long, or end the process."""
        if self.bar:
            self.bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, flush=True)

    def width(self) -> int | None:
        """Of the screen, in characters; None where there is none."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def left_out(self, found: LeftOut) -> None:
        """What a build left out."""
        self.say(
            "\nWhat the files held, and what was left out (docs/your_own_shop.md, section 3):\n"
            + "\n".join(found.lines(self.width()))
        )

    def fault(self, sentence: str) -> None:
        """A sentence on stderr, once the bar is gone."""
        self.end_phase()
        print(sentence, file=sys.stderr, flush=True)

    def phase(self, text: str) -> None:
        """What begins now. On a terminal a bar shows how far it is, once dbt says of how much."""
        self.end_phase()
        if not self.has_bar:
            return self.say(f"{text} ...")
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("models and tests"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task(text, total=None)

    def end_phase(self) -> None:
        """Take the bar away, if there is one."""
        if self.bar:
            self.bar.stop()
            self.bar = None

    def heard(self, event: Any) -> None:
        """dbt's events as a command of it runs: how many nodes there are, that one is done, and that one failed or
        warns."""
        if event.info.name == "LogStartLine" and self.bar:
            self.bar.update(self.task, total=event.data.total)
        elif event.info.name == "NodeFinished":
            node, status = event.data.node_info, event.data.node_info.node_status
            self.node_done(node.node_name, node.resource_type, status)

    def node_done(self, name: str, kind: str, status: str) -> None:
        """A model or test has ended. status: dbt's word for how."""
        if self.bar:
            self.bar.update(self.task, advance=1)
            if status in ("error", "fail", "warn"):
                self.say(f"{kind} {name}: {'warning' if status == 'warn' else 'failed'}")


class EventTeller(Teller):
    """One JSON object per line on stdout: `event`, `at` and what belongs to it. Faults also stand on stderr."""

    def __init__(self) -> None:
        super().__init__()
        self.has_bar, self.lock = False, Lock()

    def emit(self, event: str, **about: object) -> None:
        """Write one event. about: what belongs to it."""
        line = json.dumps(
            {"event": event, "at": datetime.now(UTC).isoformat(timespec="milliseconds"), **about}, default=str
        )
        # dbt tells of its nodes in several threads.
        with self.lock:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    def say(self, text: str) -> None:
        self.emit("message", text=text.strip())

    def fault(self, sentence: str) -> None:
        """A sentence on stderr, once the bar is gone."""
        self.emit("fault", text=sentence)
        super().fault(sentence)

    def phase(self, text: str) -> None:
        self.emit("phase", text=text)

    def node_done(self, name: str, kind: str, status: str) -> None:
        """A model or test has ended. status: dbt's word for how."""
        self.emit("node", name=name, kind=kind, status=status)


def aligned(lines: list[tuple[str, ...]], width: int | None = None) -> list[str]:
    """Cells in columns: the first and last to the left, numbers to the right.

    Where that is wider than the screen, the last ones stand below.
    """
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    if width and sum(widths) + 2 * (len(widths) - 1) > width:
        return [
            told
            for line, above in zip(lines, aligned([line[:-1] + ("",) for line in lines]))
            for told in (above, f"    {line[-1]}")
            if told.strip()
        ]
    return ["  ".join(cell.ljust(width) if place in (0, len(line) - 1) else cell.rjust(width)
                      for place, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines]
