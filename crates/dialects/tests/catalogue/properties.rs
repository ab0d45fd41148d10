//! What holds for any imports.
