"""Search semantics: text analysis, query parsing and ranking."""
