//! The command line: `nn-encrypted train | predict | export | pretrain | recipes | sweep`.

use std::process::ExitCode;

fn main() -> ExitCode {
    nn_encrypted::cli::run()
}
