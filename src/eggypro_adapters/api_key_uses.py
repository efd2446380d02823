"""ApiKeyUses: stores when API keys were last used, in batches and in the background."""

from datetime import datetime
from threading import Lock

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_core.access.api_keys import ApiKeyStore
from eggypro_core.errors import UnavailableError

DELAY_SECONDS, RETRY_SECONDS = 1.0, 10.0
_CLOSE_TIMEOUT_SECONDS = 5.0


class ApiKeyUses:
    """Note uses of keys in memory; a background thread writes them to the store in batches.

    Notes are kept while the store is unavailable. With `in_request` there is no thread: each use is
    written at once, for platforms that freeze a process between requests.
    """

    def __init__(
        self, store: ApiKeyStore, *, in_request: bool = False, delay_seconds: float = DELAY_SECONDS
    ) -> None:
        self._store = store
        self._in_request = in_request
        self._uses: dict[int, datetime] = {}
        self._lock = Lock()
        self._loop = BackgroundLoop(
            "api-key-uses", self._step, delay=delay_seconds, on_stop=self.flush
        )

    def note(self, key_id: int, at: datetime) -> None:
        """Note that a key was used. Never raises UnavailableError."""
        with self._lock:
            self._uses[key_id] = at
        if self._in_request:
            self.flush()
        else:
            self._loop.wake()

    def flush(self) -> bool:
        """Write all notes; return whether that succeeded."""
        with self._lock:
            uses, self._uses = self._uses, {}
        if not uses:
            return True
        try:
            self._store.record_uses(uses)
        except UnavailableError:  # the database logs its outages
            with self._lock:
                self._uses = {**uses, **self._uses}
            return False
        return True

    def close(self) -> None:
        """Write all notes, if the store is available."""
        self._loop.stop(_CLOSE_TIMEOUT_SECONDS)

    def _step(self) -> float | None:
        return None if self.flush() else RETRY_SECONDS
