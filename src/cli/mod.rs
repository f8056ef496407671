//! Arguments in, words and exit code out: one file per subcommand.
