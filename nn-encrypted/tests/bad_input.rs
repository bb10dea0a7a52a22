//! Input that cannot be used ends with exit status 2 and a message that names it; nothing panics, nothing is written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

use nn_encrypted::model::Model;
use nn_encrypted::recipe::Recipe;
use nn_encrypted::run::{RunFolder, Session};

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-encrypted-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-encrypted"));
        command.current_dir(&self.0).args(args).output().unwrap()
    }

    /// Paths of all files below it.
    fn files(&self) -> Vec<PathBuf> {
        fn list(folder: &Path, into: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    list(&path, into);
                }
                into.push(path);
            }
        }
        let mut files = Vec::new();
        list(&self.0, &mut files);
        files.sort();
        files
    }

    /// The files with their lengths and the moments they were written.
    fn state(&self) -> Vec<(PathBuf, u64, SystemTime)> {
        let state = |path: PathBuf| {
            let metadata = fs::metadata(&path).unwrap();
            (path, metadata.len(), metadata.modified().unwrap())
        };
        self.files().into_iter().map(state).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Settings of the built-in recipe, and a word of the message.
const SETTINGS: [(&[&str], &str); 46] = [
    (&["name=../elsewhere"], "`name`"),
    (&["name=/tmp/x"], "`name`"),
    (&["name=.hidden"], "`name`"),
    (&["name=''"], "`name`"),
    (&["optimizer.speed=3"], "unknown field `speed`"),
    (&["optimizer.learning_rate=0.000001"], "n/2^k with a denominator up to 2^16 is needed"),
    (&["optimizer.learning_rate=-1/8"], "`optimizer.learning_rate`"),
    (&["optimizer.momentum=1"], "`optimizer.momentum`"),
    (&["optimizer.batch_size=1438"], "1437"),
    (&["optimizer.epochs=100001"], "`optimizer.epochs`"),
    (&["optimizer"], "key.path=value is needed"),
    (&["seed=-1"], "-1"),
    (&["layers=[]"], "`layers`"),
    (&["layers.2.kind=Swish"], "unknown variant `Swish`"),
    (&["layers.2.scheme=ckks"], "scheme `ckks`"),
    (&["layers.1.scheme=rsa"], "unknown variant `rsa`"),
    (&["layers.1.out_features=0"], "`out_features` = 0"),
    (&["layers.1.out_features=65536", "layers.3.out_features=65536"], "entries up to here"),
    (&["layers.5.out_features=7"], "the data needs 10"),
    (
        &["layers=[{kind='Linear',out_features=9,scheme='bgv'},{kind='Square',scheme='bgv'}]"],
        "nothing but a Sigmoid may stand",
    ),
    (&["layers.2={kind='Polynomial',scheme='bgv',coefficients=['1/2',0,0]}"], "ends with 0"),
    (
        &["layers.4={kind='CentredSigmoid',scheme='bgv',polynomial={coefficient_bits=0}}"],
        "its polynomial is constant",
    ),
    (&["layers.2={kind='Polynomial',scheme='bgv',coefficients=[0,100000]}"], "`coefficients`"),
    (&["numbers.bounds.error=-6.0"], "`numbers.bounds.error`"),
    (&["numbers.bounds.weight=nan"], "NaN"),
    (&["numbers.bounds.output=inf"], "inf"),
    (&["numbers.input_bits=4294967295"], "`numbers.input_bits`"),
    (&["numbers.preactivation_bits=16"], "layer 1 (Linear): its pre-activations have 10 fractional bits"),
    (&["numbers.output_bits=16"], "layer 5 (Linear): its pre-activations have 14 fractional bits"),
    (&["numbers.product_weight_bits=15"], "weight_bits = 14"),
    (
        &["numbers.error_bits=16", "numbers.preactivation_bits=1", "numbers.output_bits=1"],
        "layer 3 (Linear): its errors have 7 fractional bits",
    ),
    (
        &["refresh.tensors=['weight','momentum','output','preactivation']"],
        "layer 3 (Linear): layout: 0 refreshes by the client spread the layer 2 error",
    ),
    (
        &["refresh.tensors=['weight','momentum','output','error']"],
        "layout: 0 refreshes by the client spread the layer 1 pre-activation",
    ),
    (&["refresh.tensors=['weight']"], "Momentum is missing"),
    (&["parameters.security=192"], "`parameters.security`"),
    (&["parameters.security=80"], "`parameters.security`"),
    (&["parameters.ring_dimension=1000"], "1000"),
    (&["parameters.ring_dimension=2048"], "2048"),
    (&["numbers.plaintext_bits=20"], "layer 3 (Linear): range: the weights as computed may reach 26.5 bits"),
    (&["numbers.bounds.weight=1048576.0"], "`numbers.bounds.weight`"),
    (&["numbers.plaintext_bits=99"], "99"),
    (&["data.test=2000"], "2000 of 1797 rows"),
    (&["data.frozen=digits-cnn"], "data.frozen = \"digits-cnn\": images of 1x28x28 = 784 pixels are needed"),
    (&["data.frozen=absent.safetensors"], "data.frozen = \"absent.safetensors\": absent.safetensors: "),
    (&["data.frozen=3"], "frozen"),
    (
        &[
            "layers.2={kind='Polynomial',scheme='bgv',coefficients=[0,0,0,0,0,0,0,1]}",
            "numbers.bounds={preactivation=1024.0,weight=1024.0,error=1024.0}",
        ],
        "lower its bounds",
    ),
];

/// Arguments, and a word of the message.
const ARGUMENTS: [(&[&str], &str); 68] = [
    (&["train", "nobody2020"], "no recipe `nobody2020`"),
    (&["train", "nowhere.toml"], "nowhere.toml"),
    (&["train", "random.toml"], "random.toml"),
    (&["train", "empty.toml"], "empty.toml"),
    (&["train", "folder.toml"], "folder.toml"),
    (&["train", "huge.toml"], "huge.toml"),
    (&["train", "short.toml"], "missing field"),
    (&["train", "typo.toml"], "line 2, column 1"),
    (&["train", "--batch", "0"], "`optimizer.batch_size`"),
    (&["train", "--batch", "-3"], "-3"),
    (&["train", "--batch", "many"], "many"),
    (&["train", "--epochs", "0"], "`optimizer.epochs`"),
    (&["train", "--epochs", "-1"], "-1"),
    (&["train", "--threads", "0"], "1..=1024"),
    (&["train", "--threads", "99999"], "99999"),
    (&["train", "--mode", "quick"], "quick"),
    (&["train", "--frobnicate"], "--frobnicate"),
    (&["train", "--data", "cifar"], "unknown data set `cifar`"),
    (&["train", "--data", "mnist"], "--data-dir"),
    (&["train", "--data", "mnist", "--data-dir", "absent"], "train-images-idx3-ubyte"),
    (&["train", "--data", "mnist", "--data-dir", "truncated"], "train-images-idx3-ubyte"),
    (&["train", "--data", "mnist", "--data-dir", "boast"], "train-images-idx3-ubyte"),
    (&["train", "--data", "mnist", "--data-dir", "noise"], "noise/train-images-idx3-ubyte: magic number"),
    (&["train", "--data", "mnist", "--data-dir", "gzip"], "gzip/train-images-idx3-ubyte.gz"),
    (&["train", "--data", "mnist", "--data-dir", "ten"], "class `10` occurs once"),
    (&["train", "--data", "ok.csv"], "--label"),
    (&["train", "--data", "ok.csv", "--label", "kind"], "no column `kind`"),
    (&["train", "--data", "ok.csv", "--label", "4"], "no column `4`"),
    (&["train", "--data", "ok.csv", "--label", "0"], "no column `0`"),
    (&["train", "--data", "absent.csv", "--label", "y"], "absent.csv"),
    (&["train", "--data", "missing.csv", "--label", "y"], "missing.csv:3: column `b`"),
    (&["train", "--data", "infinity.csv", "--label", "y"], "not finite"),
    (&["train", "--data", "word.csv", "--label", "y"], "`often` is not a number"),
    (&["train", "--data", "ragged.csv", "--label", "y"], "ragged.csv:3"),
    (&["train", "--data", "empty.csv", "--label", "y"], "no rows"),
    (&["train", "--data", "header.csv", "--label", "y"], "no samples"),
    (&["train", "--data", "one.csv", "--label", "y"], "only one class"),
    (&["train", "--data", "once.csv", "--label", "y"], "class `q` occurs once"),
    (&["train", "--data", "words.csv", "--label", "y"], "more than 64 different words"),
    (&["train", "--data", "ok.csv", "--label", "y", "--no-header"], "no column `y`; the columns are 1 to 3"),
    (&["train", "--data", "ok.csv", "--label", "4", "--no-header"], "no column `4`"),
    (&["train", "--data", "ok.csv", "--label", "2", "--no-header"], "column `1`: `a` is not a number"),
    (&["train", "--data", "crabs"], "--data-dir"),
    (&["train", "--data", "fertility", "--data-dir", "absent"], "fertility_Diagnosis.txt"),
    (
        &["train", "--data", "crabs", "--data-dir", "faulty"],
        "crabs.csv:3: column `FL`: `wide` is not a number",
    ),
    (&["train", "--data", "climate", "--data-dir", "faulty"], "no column `21`"),
    (&["train", "--data", "milk", "--set", "data.test=24"], "data set milk: the features are from 553 to"),
    (&["train", "tbmpnet2021", "--data", "milk"], "data set milk: the labels are measured values"),
    (&["study", "hesamifard2017", "--data", "milk", "--set", "data.test=24"], "milk: the features are from"),
    (&["train", "--data", "iris", "--set", "data.balance=often"], "unknown variant `often`"),
    (
        &["train", "--data", "iris", "--variant", "hidden9"],
        "no variant `hidden9`; there are batch256, climate",
    ),
    (
        &["train", "--set", "data.normalize={method='whiten',roots=9,scale=0.5,limit=1.0}"],
        "`data.normalize.roots`: 9",
    ),
    (&["data", "fetch", "cifar"], "unknown data set `cifar`"),
    (&["data", "fetch", "crabs", "--data-dir", "faulty"], "e848cb683b14f65a"),
    (&["study", "nobody2020"], "no recipe `nobody2020`"),
    (&["study", "hesamifard2017", "--hidden", "6", "--data", "iris"], "no variant `hidden6`"),
    (&["study", "hesamifard2017", "--seeds", "0"], "1..=1000"),
    (&["study", "hesamifard2017", "--data", "crabs", "--data-dir", "absent"], "data fetch crabs"),
    (&["train", "--data", "random.csv", "--label", "1"], "random.csv:"),
    (&["train", "--data", "huge.csv", "--label", "y"], "huge.csv: 1073741825 bytes"),
    (
        &["train", "--data", "far.csv", "--label", "y"],
        "column `b`: its values are too large or too far apart",
    ),
    (&["train", "--set", "data.frozen=random.toml"], "data.frozen = \"random.toml\": random.toml: "),
    (
        &["train", "--data", "milk", "--set", "data.frozen=digits-cnn"],
        "data set milk: data.frozen = \"digits-cnn\": images",
    ),
    (&["pretrain", "--out", "a", "--epochs", "0"], "1..=10000"),
    (&["pretrain", "--out", "ok.csv/a", "--epochs", "1"], "ok.csv"),
    (&["predict", "--run", "absent"], "report.json"),
    (&["report", "--run", "absent"], "report.json"),
    (&["report", "--run", "damaged"], "report.json"),
];

fn refused(folder: &Folder, args: &[&str], word: &str) {
    let before = folder.state();
    let output = folder.run(args);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
    assert!(!message.contains("panicked"), "{args:?}: {message}");
    assert!(message.contains(word), "{args:?}: {message}\n  `{word}` was expected");
    assert_eq!(folder.state(), before, "{args:?} has written");
}

#[test]
fn settings_that_cannot_be_used() {
    let folder = Folder::new("settings");
    for (settings, word) in SETTINGS {
        let settings = settings.iter().flat_map(|setting| ["--set", *setting]);
        let args: Vec<&str> = ["train"].into_iter().chain(settings).collect();
        refused(&folder, &args, word);
    }
    let layers: Vec<&str> = [["{kind='Linear',out_features=2,scheme='bgv'}", "{kind='Square',scheme='bgv'}"];
        17]
        .into_iter()
        .flatten()
        .collect();
    let setting = format!("layers=[{}]", layers[..33].join(","));
    refused(&folder, &["train", "--set", &setting], "`layers`: 33");
    refused(&folder, &["train", "--set", &format!("name={}", "x".repeat(65))], "`name`");
}

#[test]
fn arguments_and_files_that_cannot_be_used() {
    let folder = Folder::new("arguments");
    let random: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    folder.write("random.toml", &random);
    folder.write("random.csv", &random);
    folder.write("empty.toml", b"");
    folder.write("huge.toml", &vec![b'\n'; (1 << 20) + 1]);
    folder.write("short.toml", b"name = \"short\"\n");
    folder.write("typo.toml", b"name = \"typo\"\nsede = 3\n");
    folder.write("huge.csv", b"a,b,y\n1,2,p\n2,3,q\n");
    let huge = fs::File::options().write(true).open(folder.0.join("huge.csv")).unwrap();
    huge.set_len((1 << 30) + 1).unwrap();
    fs::create_dir(folder.0.join("folder.toml")).unwrap();
    for (name, text) in [
        ("ok", "a,b,y\n1,2,p\n2,3,q\n"),
        ("missing", "a,b,y\n1,2,p\n2,,q\n"),
        ("infinity", "a,b,y\n1,2,p\n2,inf,q\n"),
        ("word", "a,b,y\n1,2,p\n2,often,q\n"),
        ("ragged", "a,b,y\n1,2,p\n2,q\n"),
        ("empty", ""),
        ("header", "a,b,y\n"),
        ("one", "a,b,y\n1,2,p\n2,3,p\n"),
        ("once", "a,b,y\n1,2,p\n2,3,p\n2,4,q\n"),
        ("faulty/crabs", "n,sp,sex,index,FL\n1,B,M,1,8.1\n2,O,F,1,wide\n3,O,F,2,9\n"),
        ("far", "a,b,y\n1,1e308,p\n2,-1e308,q\n3,1e308,p\n4,-1e308,q\n"),
    ] {
        folder.write(&format!("{name}.csv"), text.as_bytes());
    }
    let words: String = (0..65).map(|i| format!("name{i},{}\n", ["p", "q"][i % 2])).collect();
    folder.write("words.csv", format!("who,y\n{words}").as_bytes());
    folder.write("faulty/pop_failures.dat", b"1 2 0.5 0.25 1\n1 3 0.5 0.25 0\n");
    // Two images of 2 x 2 pixels are promised, one and a half are there; then 2^96 pixels are promised.
    let header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2];
    folder.write("truncated/train-images-idx3-ubyte", &[&header[..], &[7; 6]].concat());
    let header = [&[0, 0, 8, 3][..], &[0xff; 12]].concat();
    folder.write("boast/train-images-idx3-ubyte", &[&header[..], &[7; 6]].concat());
    folder.write("noise/train-images-idx3-ubyte", &random);
    folder.write("gzip/train-images-idx3-ubyte.gz", &[&[0x1f, 0x8b][..], &random].concat());
    for part in ["train", "t10k"] {
        let header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1];
        folder.write(&format!("ten/{part}-images-idx3-ubyte"), &[&header[..], &[7; 2]].concat());
        let last = if part == "train" { 9 } else { 10 };
        folder.write(&format!("ten/{part}-labels-idx1-ubyte"), &[0, 0, 8, 1, 0, 0, 0, 2, 9, last]);
    }
    folder.write("damaged/report.json", b"{\"schema\": 1");
    for (args, word) in ARGUMENTS {
        refused(&folder, args, word);
    }
}

#[test]
fn a_model_outside_its_bounds_is_refused_by_the_name_of_its_tensor() {
    let folder = Folder::new("model");
    let session = Session::new(Recipe::load("hesamifard2017", &[]).unwrap(), None).unwrap();
    let (recipe, network) = (&session.recipe, &session.network);
    let run = RunFolder::new(&folder.0);
    let model = &session.first;
    run.write_model(&session, model).unwrap();
    assert_eq!(&run.read_model(recipe, network).unwrap(), model);
    let changed = |change: &dyn Fn(&mut Model)| {
        let mut model = model.clone();
        change(&mut model);
        let written = run.write_model(&session, &model);
        written.and_then(|()| run.read_model(recipe, network)).map_err(|error| error.to_string())
    };
    let unit = |bits: i32| 0.5_f64.powi(bits);
    assert!(changed(&|model| model.layers[1].weight[35] = -1.0).is_ok());
    type Case<'a> = (&'a dyn Fn(&mut Model), &'a str);
    let table: [Case<'_>; 5] = [
        (
            &|model| model.layers[1].weight[35] = 1.0 + unit(14),
            "tensor linear2.weight: 1.00006103515625 at place 35; a multiple of 2^-14 up to 1 is needed",
        ),
        (&|model| model.layers[0].weight[7] = unit(15), "tensor linear1.weight: 0.000030517578125"),
        (&|model| model.layers[0].bias[0] = f64::NAN, "tensor linear1.bias has NaN at place 0"),
        (
            &|model| model.layers[2].weight_momentum[0] = -1.0 - unit(12),
            "tensor linear3.weight_momentum: -1.0002",
        ),
        (&|model| model.layers[0].bias_momentum = vec![0.0; 3], "tensor linear1.bias_momentum: 3 numbers"),
    ];
    for (change, expected) in table {
        let message = changed(change).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

#[cfg(unix)]
#[test]
fn what_the_client_alone_knows_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("modes");
    fs::create_dir_all(folder.0.join("out/client")).unwrap();
    let output =
        folder.run(&["train", "--data", "iris", "--mode", "simulate", "--steps", "2", "--out", "out"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("saturated values: "));
    let mode = |path: &str| fs::metadata(folder.0.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("out/client"), 0o700);
    for file in [
        "report.json",
        "report.html",
        "learning-curve.svg",
        "client/model.private.safetensors",
        "client/predictions.csv",
    ] {
        assert_eq!(mode(&format!("out/{file}")), 0o600, "{file}");
    }
    assert!(folder.files().iter().all(|path| path.extension().is_none_or(|ext| ext != "draft")));
    assert!(folder.run(&["report", "--run", "out"]).status.success());
}
