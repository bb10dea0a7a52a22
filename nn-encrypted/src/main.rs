//! The command line: `nn-encrypted train | predict | recipes | sweep`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
