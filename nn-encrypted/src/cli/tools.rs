//! Everything beside training: data, networks to be frozen, reports, studies.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::data::{DATA_DIR, KNOWN, Known};
use crate::fetch;
use crate::frozen;
use crate::recipe::Recipe;
use crate::run::{self, RunError, RunFolder, Scope};
use clap::{Args, Subcommand};

use super::DEFAULT_RECIPE;

#[derive(Args)]
pub(super) struct PretrainArgs {
    /// File of the network, as safetensors.
    #[arg(long)]
    out: PathBuf,
    /// Passes over the digits.
    #[arg(long, default_value_t = frozen::EPOCHS, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    epochs: u16,
    /// Decides split, batches, changes of images and initial weights.
    #[arg(long, default_value_t = frozen::SEED)]
    seed: u64,
}

#[derive(Args)]
pub(super) struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Subcommand)]
enum DataCommand {
    /// Name, size and licence of each set, and where its files are looked for.
    List {
        /// Folder of the data sets that are not inside the program.
        #[arg(long, default_value = DATA_DIR)]
        data_dir: PathBuf,
    },
    /// Downloads the files of a set, and checks them.
    Fetch {
        /// Name of the set.
        name: String,
        /// Folder that the set gets a folder in.
        #[arg(long, default_value = DATA_DIR)]
        data_dir: PathBuf,
    },
}

#[derive(Args)]
pub(super) struct RecipesArgs {
    #[command(subcommand)]
    command: Option<RecipesCommand>,
}

#[derive(Subcommand)]
enum RecipesCommand {
    /// Prints a recipe as the TOML file that it is.
    Show {
        /// Its name.
        name: String,
    },
}

#[derive(Args)]
pub(super) struct ReportArgs {
    /// Folder of a finished training; repeated, a column for each.
    #[arg(long, required = true)]
    run: Vec<PathBuf>,
}

#[derive(Args)]
pub(super) struct StudyArgs {
    /// Name of a recipe, or path of a TOML file, with variants hidden1, hidden2, ...
    recipe: String,
    /// Data sets; may be repeated.
    #[arg(long = "data", default_values = ["crabs", "crabs-species", "fertility", "climate"])]
    sets: Vec<String>,
    /// Of tables: the column of the class, by name or by number from 1.
    #[arg(long)]
    label: Option<String>,
    /// Of tables: they have no header row; columns are given by their numbers.
    #[arg(long)]
    no_header: bool,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Numbers of hidden layers; may be repeated.
    #[arg(long, default_values_t = [1, 2, 3, 4, 5])]
    hidden: Vec<usize>,
    /// Splits and initial weights to average over.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: u64,
    /// Training steps on ciphertexts; 0 for none.
    #[arg(long, default_value_t = 3)]
    steps: usize,
    /// Scores on a quarter of the training part, left out of training, instead of the test part.
    #[arg(long)]
    validate: bool,
    /// Overrides a field of the recipe.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// File the page is written to; standard output without it.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct SweepArgs {
    /// Name of a recipe, or path of a TOML file.
    #[arg(default_value = DEFAULT_RECIPE)]
    recipe: String,
    /// Folder of the data sets that are not inside the program.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Overrides a field of the recipe.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

pub(super) fn pretrain(args: &PretrainArgs) -> Result<ExitCode, RunError> {
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        // Now, not after minutes of training.
        std::fs::create_dir_all(folder).map_err(|source| RunError::Io { path: folder.into(), source })?;
    }
    let trained = frozen::pretrain(args.epochs.into(), args.seed, |at| {
        let percent = 100.0 * at.training;
        println!("epoch {} of {}: loss {:.4}, training {percent:.2} %", at.epoch, at.epochs, at.loss);
    })?;
    trained.network.write(&args.out)?;
    println!("digits held out: {:.2} % of {} right", 100.0 * trained.accuracy, trained.held_out);
    let (from, to) = (trained.network.input(), trained.network.output());
    println!("{}: images of {from} become {to} = {} features", args.out.display(), to.size());
    Ok(ExitCode::SUCCESS)
}

pub(super) fn recipes(args: &RecipesArgs) -> Result<ExitCode, RunError> {
    if let Some(RecipesCommand::Show { name }) = &args.command {
        print!("{}", Recipe::text(name)?);
        return Ok(ExitCode::SUCCESS);
    }
    for name in Recipe::builtin_names() {
        println!("{name}: {}", Recipe::load(name, &[])?.description);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn data(args: &DataArgs) -> Result<ExitCode, RunError> {
    match &args.command {
        DataCommand::List { data_dir } => KNOWN.iter().for_each(|set| list(set, data_dir)),
        DataCommand::Fetch { name, data_dir } => {
            let set = Known::find(name)?;
            if set.files.is_empty() {
                println!("{name} is inside the program");
            }
            fetch::fetch(set, data_dir, |text| println!("{text}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(set: &Known, data_dir: &Path) {
    let place = if set.files.is_empty() {
        "inside the program".to_owned()
    } else {
        let folders = set.folders(data_dir).map(|folder| folder.display().to_string());
        let state = if set.is_there(data_dir) { "there" } else { "not there" };
        format!("{state}, in {}", folders.join(" or "))
    };
    let classes = if set.classes == 0 { "a series".to_owned() } else { format!("{} classes", set.classes) };
    println!(
        "{}: {} rows, {} features, {classes}; {}; {place}",
        set.name, set.rows, set.features, set.licence
    );
}

pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, RunError> {
    let reports =
        args.run.iter().map(|run| RunFolder::new(run).read_report()).collect::<Result<Vec<_>, _>>()?;
    print!("{}", run::markdown(&reports));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn study(args: &StudyArgs) -> Result<ExitCode, RunError> {
    let label = args.label.iter().map(|label| format!("data.label={}", toml::Value::String(label.clone())));
    let header = args.no_header.then(|| "data.no_header=true".to_owned());
    let scope = Scope {
        recipe: args.recipe.clone(),
        sets: args.sets.clone(),
        hidden: args.hidden.clone(),
        seeds: args.seeds,
        steps: args.steps,
        validate: args.validate,
        settings: args.settings.iter().cloned().chain(label).chain(header).collect(),
    };
    let cells = run::study(&scope, args.data_dir.as_deref(), |text| eprintln!("{text}"))?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let page = run::study_page(&scope, &cells, &format!("nn-encrypted {}", words.join(" ")));
    match &args.out {
        Some(path) => run::write_page(path, &page)?,
        None => print!("{page}"),
    }
    let equal = cells.iter().filter_map(|cell| cell.encrypted).all(|steps| steps.equal);
    Ok(ExitCode::from(u8::from(!equal)))
}

pub(super) fn backends() -> Result<ExitCode, RunError> {
    print!("{}", run::backends_page()?);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn sweep(args: &SweepArgs) -> Result<ExitCode, RunError> {
    let recipe = Recipe::load(&args.recipe, &args.settings)?;
    println!("{}", run::sweep(recipe, args.data_dir.as_deref())?);
    Ok(ExitCode::SUCCESS)
}
