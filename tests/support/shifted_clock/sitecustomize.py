"""Makes the clock of a process wrong by the seconds in a file, which may change at any time.

Python imports this module at its start if its folder is in PYTHONPATH. It replaces `time.time` and
`datetime.now`, the only sources of the time of day in EggyPro; monotonic clocks are unchanged.
"""

import gc
import os
import time
from datetime import datetime, tzinfo
from pathlib import Path

_file = Path(os.environ["CLOCK_SHIFT"])
_true_time = time.time


def _time() -> float:
    return _true_time() + float(_file.read_text(encoding="ascii"))


def _now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
    return cls.fromtimestamp(_time(), tz)


time.time = _time
[_attributes] = gc.get_referents(datetime.__dict__)  # the class itself cannot be changed
_attributes["now"] = classmethod(_now)
