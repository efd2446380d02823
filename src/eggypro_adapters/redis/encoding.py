"""A kept answer as bytes."""

import json
import struct
from zlib import crc32

from attrs import astuple

from eggypro_core.caching.entries import CachedResponse, CacheEntry, Snapshot

VERSION = 1
"""What begins each value. Whoever changes what follows gives it another number."""
_HEAD = struct.Struct(">BIH")
"""The version, a checksum of what follows it, and how many bytes come before the body."""


def encode_entry(kept: CacheEntry) -> bytes:
    """Return the bytes of an answer."""
    rendering = kept.response
    facts = [
        *astuple(kept.snapshot),
        kept.expires_at,
        kept.not_found_message,
        dict(rendering.headers),
    ]
    written = json.dumps(facts, separators=(",", ":")).encode()
    rest = written + rendering.body
    return _HEAD.pack(VERSION, crc32(rest), len(written)) + rest


def decode_entry(value: bytes) -> CacheEntry | None:
    """Return the answer that some bytes are of, None where they are not, or not whole."""
    if len(value) < _HEAD.size:
        return None
    version, checksum, length = _HEAD.unpack_from(value)
    rest = memoryview(value)[_HEAD.size :]
    if version != VERSION or crc32(rest) != checksum:
        return None
    history, number, ends, absent, headers = json.loads(bytes(rest[:length]))
    return CacheEntry(
        Snapshot(history, number), ends, CachedResponse(bytes(rest[length:]), headers), absent
    )
