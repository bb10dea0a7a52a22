//! Parts that the fuzz targets, benches and tests of the workspace take apart. They are no offer to users and change without
//! notice.

pub use crate::activation::Function;
pub use crate::clear::Clear;
pub use crate::data::csv::parse_plain as parse_csv;
pub use crate::data::idx::{images as parse_images, labels as parse_labels};
pub use crate::data::records::CsvOptions;
pub use crate::engine::slots::bgv::{Agreement, BgvEngine, Instance};
pub use crate::engine::{Engine, EngineError, KeyStream};
pub use crate::exchange::onnx_layers;
pub use crate::frozen::file::BUILTIN;
pub use crate::frozen::network::Layer;
pub use crate::frozen::pool::AvgPool2d;
pub use crate::frozen::relu::Relu;
pub use crate::frozen::shape::Shape;
pub use crate::layout::cube::{Cube, Order};
pub use crate::layout::geometry::Geometry;
pub use crate::metrics::accuracy;
#[cfg(feature = "serve")]
pub use crate::net::read_again;
pub use crate::plan::slots::bgv::PlannedBgv;
pub use crate::plan::work::Workload;
pub use crate::program::Tensor;
pub use crate::program::lower::lower;
pub use crate::roles::cipher::bgv::BgvCipher;
pub use crate::roles::cipher::{Cipher, CipherError};
pub use crate::run::state::rewrite_client_state;
#[cfg(feature = "cli")]
pub use crate::run::{
    study::{Scope, study},
    study_table::study_page,
};
