//! A server, and clients of one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::signals::stop_on_signals;
use crate::net::{Elsewhere, Form, Journal, Listener, Place, Tokens, fingerprint_of, init};
use crate::run::{Connect, Here, RunError, RunFolder};

#[derive(Args)]
pub(super) struct ServeArgs {
    /// Folder of the server: its certificate, tokens, database and jobs.
    folder: PathBuf,
    #[command(subcommand)]
    command: Option<ServeCommand>,
    /// Makes the folder: a certificate authority, a certificate and server.toml; made anew, certificates keep their authority.
    #[arg(long)]
    init: bool,
    /// With --init: a name or address that clients call the server by; may be repeated.
    #[arg(long = "name", value_name = "HOST", requires = "init")]
    names: Vec<String>,
    /// Address to listen at.
    #[arg(long, default_value = "127.0.0.1:7443")]
    listen: SocketAddr,
    /// Serves without TLS, at an address of this machine: for a proxy in front.
    #[arg(long)]
    plain: bool,
    /// Address to tell /healthz, /readyz and /metrics at; without a token at one of this machine, over TLS and by a token for metrics
    /// elsewhere.
    #[arg(long, value_name = "ADDRESS")]
    operate: Option<SocketAddr>,
    /// Form of the lines of the log.
    #[arg(long, value_enum, default_value_t = LogArg::Words)]
    log: LogArg,
    /// With --init: days for which the certificate holds.
    #[arg(long, default_value_t = 397, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum LogArg {
    /// Time, event, and name=value.
    #[default]
    Words,
    /// An object a line.
    Json,
}

#[derive(Subcommand)]
enum ServeCommand {
    /// Prints a new token for a tenant, which the server keeps a digest of.
    Token {
        /// Name of the tenant, whose jobs are its own.
        name: String,
        /// Days until it ends; without end without it.
        #[arg(long)]
        days: Option<u32>,
        /// A token that reads /metrics and /readyz, and nothing else.
        #[arg(long)]
        metrics: bool,
        /// Only uploads mini-batches to this job of the tenant: for an owner of data.
        #[arg(long, value_name = "JOB", conflicts_with = "metrics")]
        upload_only: Option<String>,
    },
}

pub(super) fn serve(args: &ServeArgs) -> Result<ExitCode, RunError> {
    if let Some(ServeCommand::Token { name, days, metrics, upload_only }) = &args.command {
        let tokens = Tokens::new(&args.folder);
        let token = match upload_only {
            Some(job) => tokens.issue_for_upload(name, *days, job),
            None if *metrics => tokens.issue_for_metrics(name, *days),
            None => tokens.issue(name, *days),
        };
        println!("{}", *token?);
        return Ok(ExitCode::SUCCESS);
    }
    if args.init {
        let local = || ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        let names = if args.names.is_empty() { local() } else { args.names.clone() };
        println!("fingerprint {}", init(&args.folder, &names, args.days)?);
        println!("certificate for {}, {} days", names.join(", "), args.days);
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Arc::default();
    stop_on_signals(&stop).map_err(|source| RunError::Io { path: "signals".into(), source })?;
    let form = match args.log {
        LogArg::Words => Form::Words,
        LogArg::Json => Form::Json,
    };
    let journal = Journal::new(form);
    let listener = Listener::bind(&args.folder, args.listen, args.plain, args.operate, journal)?;
    let scheme = if args.plain { "http" } else { "https" };
    println!("listening at {scheme}://{}", listener.address()?);
    if let Some(address) = listener.operated_at()? {
        println!("health and metrics at {address}");
    }
    if !args.plain {
        println!("fingerprint {}", fingerprint_of(&args.folder)?);
    }
    listener.run(&stop)?;
    println!("stopped; runs go on from their checkpoints when their clients ask");
    Ok(ExitCode::SUCCESS)
}

/// The server that a client uses.
#[derive(Args, Clone, Default)]
pub(super) struct ServerArgs {
    /// Server that computes, such as https://host:7443; in this process without it.
    #[arg(long, value_name = "URL")]
    pub(super) server: Option<String>,
    /// File with the token of this client.
    #[arg(long, value_name = "FILE", requires = "server")]
    token_file: Option<PathBuf>,
    /// Certificate of this client in PEM, where the server knows its clients by these.
    #[arg(long, value_name = "FILE", requires_all = ["server", "key"])]
    cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Fingerprint of the server, as `serve --init` printed it; without it the authorities of the web are believed.
    #[arg(long, value_name = "FINGERPRINT", requires = "server")]
    pin: Option<String>,
}

impl ServerArgs {
    pub(super) fn place(&self, url: &str, quiet: bool) -> Place {
        Place {
            url: url.to_owned(),
            token_file: self.token_file.clone(),
            certificate: self.cert.clone().zip(self.key.clone()).map(|(chain, key)| [chain, key]),
            pin: self.pin.clone(),
            patience: Place::PATIENCE,
            quiet,
        }
    }

    /// The way to the server.
    pub(super) fn connect(&self, quiet: bool) -> Result<Box<dyn Connect>, RunError> {
        Ok(match &self.server {
            Some(url) => Box::new(Elsewhere::new(&self.place(url, quiet))?),
            None => Box::new(Here),
        })
    }
}

#[derive(Args)]
pub(super) struct JobsArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Deletes a job with all that the server keeps of it.
    #[arg(long, value_name = "JOB")]
    delete: Option<String>,
    /// Makes the job of a folder of `keygen` and uploads its evaluation keys, so that owners of data can upload.
    #[arg(long, value_name = "DIR", conflicts_with = "delete")]
    create: Option<PathBuf>,
}

pub(super) fn jobs(args: &JobsArgs) -> Result<ExitCode, RunError> {
    let Some(url) = &args.server.server else {
        return Err(RunError::Job("--server says where".into()));
    };
    let place = Place { patience: Duration::from_secs(10), ..args.server.place(url, false) };
    let server = Elsewhere::new(&place)?;
    match (&args.delete, &args.create) {
        (Some(job), _) => server.delete(job)?,
        (_, Some(folder)) => println!("job {}", server.create_job(&RunFolder::new(folder))?),
        _ => server.jobs()?.iter().for_each(|line| println!("{line}")),
    }
    Ok(ExitCode::SUCCESS)
}
