"""A bar over epochs: by tqdm where it is installed, in terminals and notebooks, and nothing elsewhere."""

from __future__ import annotations

import sys
from typing import Any


def _is_watched() -> bool:
    """Whether somebody looks: a terminal, or a notebook."""
    try:
        shell = type(sys.modules["IPython"].get_ipython()).__name__
    except (KeyError, AttributeError):
        shell = ""
    return shell == "ZMQInteractiveShell" or bool(getattr(sys.stderr, "isatty", lambda: False)())


class Bar:
    """The bar of a training, or nothing.

    Args:
        wanted: Whether there is one; None: where somebody looks and tqdm is installed.
        epochs: How many there are at most.
    """

    def __init__(self, wanted: bool | None, epochs: int) -> None:
        self._bar: Any = None
        if wanted is False or (wanted is None and not _is_watched()):
            return
        try:
            from tqdm.auto import tqdm
        except ImportError:
            if wanted:
                raise ImportError("progress=True needs tqdm: pip install tqdm") from None
            return
        self._bar = tqdm(total=epochs, unit="epoch", leave=False)

    def show(self, history: dict[str, list[float]]) -> None:
        """An epoch more, with its figures."""
        if self._bar is not None:
            figures = {name.replace("validation_", "val "): f"{of[-1]:.4g}" for name, of in history.items() if "loss" in name}
            self._bar.set_postfix(figures, refresh=False)
            self._bar.update()

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
