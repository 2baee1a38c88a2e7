//! What is particular to SQLite and to its files.
