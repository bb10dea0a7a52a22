//! The shape of the workspace, read from its manifests and sources.
//!
//! * [`line`]: the crates are one straight line, `he-core → he-bgv, he-ckks, he-tfhe → he-switch → nn-encrypted`, and
//!   none names a crate above or beside it.
//! * [`circles`]: no file of a crate imports from a file that imports from it, however long the way.
//! * [`rooms`]: the top-level modules of a crate stand on floors, and no arrow runs upwards.
//! * [`public`]: `nn-encrypted` offers few public items.
//! * [`examples`]: every public type has a documentation example.
//! * [`conventions`]: every public type has `Debug` but secrets, is `Send` and `Sync`, and errors print as sentences.
//! * [`nouns`]: one type each for recipe, plan, session, client, server, model and twin.
//! * [`schemes`]: outside engines no file names a crate of a scheme, and no enum has a variant for one or for a recipe.
//! * [`lengths`]: files and functions are short, and so is `nn-encrypted` as a whole.
//! * [`residues`]: arithmetic modulo `t` is asked for by name, where it is proven.
//! * [`packages`]: every member can be published, and needs no library of another licence.
//! * [`dialect`]: prose and public names use the words of the field.
//!
//! [`crates`] reads a crate as a tree of modules, [`mentions`] the paths that a module mentions, and [`arrows`] makes
//! both into a graph of files. Each check is tried on planted faults.

mod arrows;
mod circles;
mod conventions;
mod crates;
mod dialect;
mod examples;
mod lengths;
mod line;
mod mentions;
mod nouns;
mod packages;
mod public;
mod residues;
mod rooms;
mod schemes;
mod types;
mod workspace;
