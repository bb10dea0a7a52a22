//! Keys before a training, and owners of data.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::passphrase::{asked_twice, in_file};
use super::serve::ServerArgs;
use super::task::TaskArgs;
use crate::net::Elsewhere;
use crate::run::{JobFile, KeygenOptions, RowShape, RunError, RunFolder, keygen as make_keys};

#[derive(Args)]
pub(super) struct KeygenArgs {
    #[command(flatten)]
    pub(super) task: TaskArgs,
    /// Of rows that are elsewhere: features, classes and rows, such as 64,10,1437, or 8x8,10,1437 of images.
    #[arg(long, value_name = "F,C,ROWS", conflicts_with_all = ["data", "test"])]
    shape: Option<RowShape>,
    /// Folder of the keys, which `train --out` goes on with.
    #[arg(long)]
    out: PathBuf,
    /// Wraps the secret keys under a passphrase, which is asked for.
    #[arg(long)]
    passphrase: bool,
    /// Wraps the secret keys under the passphrase in a file.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) fn keygen(args: &KeygenArgs) -> Result<ExitCode, RunError> {
    let loaded = args.task.load()?;
    loaded.words.iter().for_each(|word| eprintln!("{word}"));
    let options = KeygenOptions {
        out: args.out.clone(),
        data_dir: args.task.data_dir.clone(),
        shape: args.shape,
        wrap: match &args.passphrase_file {
            Some(path) => Some(in_file(path)),
            None => args.passphrase.then(asked_twice),
        },
        calibrate: args.task.calibrates(&loaded),
        ..KeygenOptions::default()
    };
    let job = make_keys(loaded.recipe, &options)?;
    println!("job {}", job.job);
    println!("keys in {}", args.out.display());
    if job.public.is_some() {
        println!("for owners of data: job.toml and public.key");
    }
    if let Some(url) = &args.server.server {
        Elsewhere::new(&args.server.place(url, false))?.create_job(&RunFolder::new(&args.out))?;
        println!("the job is on {url}");
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Args)]
pub(super) struct UploadArgs {
    /// The file that the owner of the keys made: recipe, columns, number of rows.
    #[arg(long, value_name = "FILE")]
    job: PathBuf,
    /// The public keys of the owner of the keys.
    #[arg(long, value_name = "FILE")]
    public: PathBuf,
    /// Table of the rows, with labels; its columns are found by their names. Or a data set known by name, or a folder of IDX files.
    #[arg(long)]
    data: String,
    #[command(flatten)]
    server: ServerArgs,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Threads; all cores without it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

pub(super) fn upload(args: &UploadArgs) -> Result<ExitCode, RunError> {
    let Some(url) = &args.server.server else {
        return Err(RunError::Job("--server and --token-file say where to".into()));
    };
    let job = JobFile::read(&args.job)?;
    let read = std::fs::read(&args.public);
    let public = read.map_err(|source| RunError::Io { path: args.public.clone(), source })?;
    let server = Elsewhere::new(&args.server.place(url, false))?;
    let data = (&args.data[..], args.data_dir.as_deref());
    let [sent, there] = server.upload(&job, &public, data, |done, all| {
        // A line for each twentieth of them.
        if done * 20 / all != (done - 1) * 20 / all {
            eprintln!("mini-batch {done}/{all}");
        }
    })?;
    println!("{sent} mini-batches uploaded to job {}, {there} were there", job.job);
    Ok(ExitCode::SUCCESS)
}
