//! What is remembered of nodes and owners, as the rules pack it, and disputes with their evidence.
