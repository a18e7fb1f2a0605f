"""The tables, and what is said to them from more than one place. Each step makes a database one version newer.

A document's bytes are in a table of their own: a row is written anew as a whole, and its status changes often.
"""

STEPS = (
    """
    CREATE TABLE documents (
        document_id TEXT PRIMARY KEY,
        key_hash TEXT NOT NULL,
        kind TEXT NOT NULL,
        source TEXT,
        target TEXT NOT NULL,
        num_chars INTEGER NOT NULL,
        caller TEXT,
        accepted REAL NOT NULL,
        changed REAL NOT NULL,
        status TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        fault TEXT NOT NULL,
        seat INTEGER,
        num_bytes INTEGER NOT NULL
    );
    CREATE INDEX documents_by_status ON documents (status, accepted);
    CREATE TABLE contents (
        document_id TEXT PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
        terms TEXT NOT NULL,
        content BLOB NOT NULL
    );
    CREATE TABLE glossaries (
        glossary_id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        source_lang TEXT NOT NULL,
        target_lang TEXT NOT NULL,
        creation_time TEXT NOT NULL,
        entry_count INTEGER NOT NULL,
        entries BLOB NOT NULL
    );
    CREATE INDEX glossaries_by_owner ON glossaries (owner, creation_time, glossary_id);
    CREATE TABLE files (
        name TEXT PRIMARY KEY,
        made REAL NOT NULL,
        content BLOB NOT NULL
    );
    CREATE TABLE usage (
        caller TEXT PRIMARY KEY,
        num_chars INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    # Until then a glossary had one direction.
    """
    CREATE TABLE dictionaries (
        glossary_id TEXT NOT NULL REFERENCES glossaries ON DELETE CASCADE,
        source_lang TEXT NOT NULL,
        target_lang TEXT NOT NULL,
        entry_count INTEGER NOT NULL,
        entries BLOB NOT NULL,
        PRIMARY KEY (glossary_id, source_lang, target_lang)
    );
    INSERT INTO dictionaries SELECT glossary_id, source_lang, target_lang, entry_count, entries FROM glossaries;
    ALTER TABLE glossaries DROP COLUMN source_lang;
    ALTER TABLE glossaries DROP COLUMN target_lang;
    ALTER TABLE glossaries DROP COLUMN entry_count;
    ALTER TABLE glossaries DROP COLUMN entries
    """,
    # Until then no form of address could be asked for.
    "ALTER TABLE documents ADD COLUMN formality TEXT NOT NULL DEFAULT 'default'",
)

# The fields of a record in their order, then what the document takes of the disk.
INSERT_DOCUMENT = """
    INSERT INTO documents (
        document_id, key_hash, kind, source, target, num_chars, caller,
        accepted, changed, status, attempts, fault, seat, formality, num_bytes
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INSERT_CONTENT = "INSERT INTO contents VALUES (?, ?, ?)"
INSERT_GLOSSARY = "INSERT INTO glossaries VALUES (?, ?, ?, ?)"
INSERT_DICTIONARY = "INSERT OR REPLACE INTO dictionaries VALUES (?, ?, ?, ?, ?)"
ADD_USAGE = (
    "INSERT INTO usage VALUES (?, ?) ON CONFLICT (caller) DO UPDATE SET num_chars = num_chars + excluded.num_chars"
)
