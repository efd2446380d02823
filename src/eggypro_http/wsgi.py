"""The entry for any WSGI server: from the environment to the application."""

import atexit
import logging
import os
from pathlib import Path
from wsgiref.types import WSGIApplication

from eggypro_adapters.settings import Settings
from eggypro_adapters.settings_files import read_environment
from eggypro_adapters.wiring import open_eggypro, start_notes
from eggypro_http.app import create_app


def application() -> WSGIApplication:
    """Return the application that the settings describe, for example to Gunicorn.

    As in `gunicorn 'eggypro_http.wsgi:application()'`. What it opens is closed with the process.
    """
    settings = Settings.read(read_environment(os.environ, Path.cwd()))
    for note in start_notes(settings):
        logging.getLogger(__name__).warning(note)
    eggypro = open_eggypro(settings)
    atexit.register(eggypro.close)
    return create_app(eggypro)
