"""Numbers, tables and templates."""
