"""What the verbs print: documents for programs, tables for people."""
