"""Binary encoding of cache entries."""

import json
import struct
from sys import intern
from zlib import crc32

from attrs import astuple

from eggypro_core.caching.entries import CachedResponse, CacheEntry, Snapshot

VERSION = 2
"""The first byte of each value: the format version. Increment it when the format changes."""
_HEADER = struct.Struct(">BIH")
"""The version, a checksum of the rest, and the number of metadata bytes before the body."""


def encode_entry(entry: CacheEntry) -> bytes:
    """Return a cache entry as bytes."""
    response = entry.response
    metadata = [
        *astuple(entry.snapshot),
        entry.expires_at,
        entry.not_found_message,
        dict(response.headers),
        response.tags,
    ]
    head = json.dumps(metadata, separators=(",", ":")).encode()
    rest = head + response.body
    return _HEADER.pack(VERSION, crc32(rest), len(head)) + rest


def decode_entry(value: bytes) -> CacheEntry | None:
    """Return the cache entry of some bytes; None if they are of another format or damaged."""
    if len(value) < _HEADER.size:
        return None
    version, checksum, length = _HEADER.unpack_from(value)
    rest = memoryview(value)[_HEADER.size :]
    if version != VERSION or crc32(rest) != checksum:
        return None
    *snapshot, expires_at, not_found_message, headers, tags = json.loads(bytes(rest[:length]))
    response = CachedResponse(bytes(rest[length:]), headers, tags=tuple(map(intern, tags)))
    return CacheEntry(Snapshot(*snapshot), expires_at, response, not_found_message)
