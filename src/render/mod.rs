//! From views to bytes: tables, pages, YAML and JSON.
