//! A new file in `sql/` makes the program anew; without this only a changed one does.

use std::io::Write;

fn main() -> std::io::Result<()> {
    writeln!(std::io::stdout(), "cargo::rerun-if-changed=sql")
}
