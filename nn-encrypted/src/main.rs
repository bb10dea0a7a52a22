//! The command line: `nn-encrypted train | predict | export | pretrain | recipes | sweep`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
