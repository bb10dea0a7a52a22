//! The instances as a page and as comma-separated values.

use super::instance::Instance;
use crate::pages::table;

/// Columns of the values.
const COLUMNS: &str = "name,keys,dimension,secret,log2_modulus,sigma,bounded,found,cap,margin,bits";

const HEAD: [&str; 10] = [
    "",
    "keys",
    "N or n",
    "secret",
    "log2 of the largest modulus",
    "σ",
    "bounded",
    "bound",
    "margin",
    "bits, at least",
];

const TEXT: &str = "\
# Security of presets and plans

Made by `cargo run --release -p bench -- security --write --data-dir DIR`; the same as comma-separated values:
[security.csv](security.csv). Without `--data-dir` the plans for MNIST are left out.

Every named preset of every crate, and the plan of every recipe with the settings that lead to other parameters. A row is a secret,
with the largest modulus of any key or ciphertext under it. *Bounded* is what the bound is on: `log2 QP`, the largest modulus itself,
for ternary secrets; `log2(q/σ)` for binary ones; `log2(q/t)` for YASHE, which is broken and named as legacy. The bounds for
128 bits are those that the crates enforce when parameters are built; where they come from:
[sparse secrets](../security/sparse-secrets.md), [binary secrets](../security/binary-secrets.md) and, for uniform ones, the stricter
model of ePrint 2024/463.

*Bits* are by proportion, `128·bound/bounded`, and no estimate of an attack: at a fixed dimension the product of bits and `log2 QP` does not
fall as the modulus does, so that they are too few rather than too many (the table of ePrint 2024/463 has 214, 147 and 114 for 128, 192 and 256 bits at
2^13). Far below the bound they only say that there is room.

`cargo test --release -p bench security` fails if a row is beyond its bound or differs from the page, and shows that one bit of `log2 QP` above any bound,
or half the noise of a binary secret at its bound, is found.

## Again by the lattice estimator

The bounds were computed by attacks, the rows are compared with the bounds. To run attacks on the rows themselves, in a checkout of
the [lattice estimator](https://github.com/malb/lattice-estimator) with SageMath, save this beside `security.csv` and run `sage -python`
on it. Attacks on sparse secrets by rotations are not in it: for these rows take
[sparse-key-estimate](https://github.com/jdumezy/sparse-key-estimate). YASHE is no LWE.

```python
import csv, math, re
from estimator import LWE, ND, RC

for row in csv.DictReader(open(\"security.csv\")):
    if \"NTRU\" in row[\"secret\"]:
        continue
    n, bits = int(row[\"dimension\"]), float(row[\"log2_modulus\"])
    q = (int(2 ** (40 + bits % 1)) << int(bits)) >> 40
    weight = re.search(r\"weight (\\d+)\", row[\"secret\"])
    if row[\"secret\"] == \"binary\":
        secret = ND.Binary
    elif weight:
        secret = ND.SparseTernary(int(weight[1]) // 2, n=n)
    else:
        secret = ND.Uniform(-1, 1)
    params = LWE.Parameters(n=n, q=q, Xs=secret, Xe=ND.DiscreteGaussian(float(row[\"sigma\"])))
    usvp = LWE.primal_usvp(params, red_cost_model=RC.MATZOV)
    dual = LWE.dual_hybrid(params, red_cost_model=RC.MATZOV)
    print(row[\"name\"], row[\"keys\"], *(f\"2^{math.log2(cost['rop']):.1f}\" for cost in (usvp, dual)))
```

";

/// The page.
pub(super) fn markdown(all: &[Instance]) -> String {
    format!("{TEXT}## Presets and plans\n\n{}", tables(all))
}

/// The table of all rows.
pub(super) fn tables(all: &[Instance]) -> String {
    let mut last = "";
    let rows = all.iter().map(|instance| {
        let margin = &instance.margin;
        // A name stands once above its keys.
        let name = if instance.name == last { String::new() } else { format!("`{}`", instance.name) };
        last = &instance.name;
        [
            name,
            margin.what.to_owned(),
            margin.dimension.to_string(),
            margin.secret.clone(),
            format!("{:.2}", margin.log_modulus),
            sigma(margin.sigma),
            format!("{:.2}", margin.found),
            format!("{:.2}", margin.cap),
            format!("{:.2}", margin.bits()),
            instance.bits().map_or_else(|| "none".into(), |bits| format!("{bits:.0}")),
        ]
    });
    table(&HEAD, rows)
}

fn sigma(sigma: f64) -> String {
    if sigma < 1000.0 { format!("{sigma:.2}") } else { format!("2^{:.2}", sigma.log2()) }
}

/// Comma-separated values.
pub(super) fn csv(all: &[Instance]) -> String {
    let row = |instance: &Instance| {
        let margin = &instance.margin;
        let bounded = match margin.secret.as_str() {
            "binary" => "log2(q/sigma)",
            _ if instance.is_broken() => "log2(q/t)",
            _ => "log2 QP",
        };
        format!(
            "\"{}\",\"{}\",{},\"{}\",{:.4},{:.4},{bounded},{:.4},{:.4},{:.4},{}\n",
            instance.name,
            margin.what,
            margin.dimension,
            margin.secret,
            margin.log_modulus,
            margin.sigma,
            margin.found,
            margin.cap,
            margin.bits(),
            instance.bits().map_or_else(String::new, |bits| format!("{bits:.0}")),
        )
    };
    format!("{COLUMNS}\n{}", all.iter().map(row).collect::<String>())
}
