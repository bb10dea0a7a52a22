//! The lists of each kind of recipe, as text.

use std::collections::BTreeSet;

use super::*;
use crate::network::Network;
use crate::recipe::Recipe;

/// The program of a network of two layers of these kinds for 3 features and 2 outputs.
fn program(schemes: [&str; 4], rest: &str, bootstrapped: &[Tensor]) -> Program {
    let [first, activation, last, output] = schemes;
    let kind = if activation == "tfhe" { "Sigmoid" } else { "Square" };
    let output = match output {
        "" => String::new(),
        scheme => format!(", {{ kind = 'Sigmoid', scheme = '{scheme}' }}"),
    };
    let momentum = if first == "tfhe" || rest.contains("clean") { 0.0 } else { 0.5 };
    let text = format!(
        "name = 'test'
        layers = [
            {{ kind = 'Linear', out_features = 4, scheme = '{first}' }},
            {{ kind = '{kind}', scheme = '{activation}' }},
            {{ kind = 'Linear', scheme = '{last}' }}{output}
        ]
        {rest}
        [data]
        set = 'iris'
        test = 30
        normalize = {{ method = 'min_max', limit = 1.0 }}
        [optimizer]
        learning_rate = 0.125
        momentum = {momentum}
        batch_size = 8
        epochs = 1"
    );
    let recipe = Recipe::from_toml(&text, "test", &[]).unwrap();
    let network = Network::new(&recipe, 3, None, 2).unwrap();
    lower_with(&recipe, &network, &bootstrapped.iter().copied().collect::<BTreeSet<_>>())
}

fn check(program: &Program, golden: &str) {
    let golden: Vec<&str> = golden.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found = program.to_string();
    let found: Vec<&str> = found.lines().map(str::trim).collect();
    assert_eq!(found, golden, "\n{program}");
}

#[test]
fn bgv_with_a_client() {
    let program = program(["bgv", "bgv", "bgv", ""], "", &[]);
    check(
        &program,
        "training:
        expand
        layer 1 forward
        refresh 0 by the client
        layer 1 pre-activation as computed -> layer 1 pre-activation, 4 fractional bits, up to 2.5
        layer 1 activate
        layer 2 forward
        refresh 1 by the client
        layer 2 pre-activation as computed -> layer 2 pre-activation, 6 fractional bits, up to 2.5
        loss
        layer 2 backward
        layer 1 derivative
        refresh 2 by the client
        layer 1 error as computed -> layer 1 error, 6 fractional bits, up to 6
        layer 1 gradient
        layer 2 gradient
        update
        refresh 3 by the client
        weights as computed -> weights and low part of the weights, 14 fractional bits, up to 1
        momentum as computed -> momentum, 12 fractional bits, up to 1
        prediction:
        expand
        layer 1 forward
        refresh 0 by the client
        layer 1 pre-activation as computed -> layer 1 pre-activation, 4 fractional bits, up to 2.5
        layer 1 activate
        layer 2 forward
        layer 2 pre-activation as computed -> the client, 6 fractional bits, up to 2.5",
    );
}

#[test]
fn ckks_with_a_client_is_rounded_only_where_it_goes_on_exact() {
    let approximate = program(["ckks", "ckks", "ckks", ""], "", &[]);
    assert!(approximate.rounds.iter().flatten().all(|refresh| refresh.rounding.bits.is_none()));
    assert!(approximate.rounds.iter().flatten().all(|refresh| refresh.rounding.bound.is_finite()));
    assert_eq!(approximate.rounds[3][0].to, [Tensor::Weights]);
    let beside = program(["ckks", "bgv", "bgv", ""], "", &[]);
    let bits: Vec<_> = beside.rounds.iter().map(|round| round[0].rounding.bits).collect();
    assert_eq!(bits, [Some(4), Some(6), None, Some(14)]);
    let before = program(["bgv", "bgv", "ckks", ""], "", &[]);
    let bits: Vec<_> = before.rounds.iter().map(|round| round[0].rounding.bits).collect();
    assert_eq!(bits, [None, None, Some(6), Some(14)]);
}

#[test]
fn ckks_with_bootstrapping() {
    let rest = "loss = 'cross_entropy'\nrefresh.strategy = 'bootstrap'";
    let between = [Tensor::Sum(0), Tensor::Sum(1), Tensor::InputGradient(0)];
    let program = program(["ckks", "ckks", "ckks", "ckks"], rest, &between);
    check(
        &program,
        "training:
        refresh 0 by bootstrapping
        weights -> weights, up to 1
        momentum -> momentum, up to 1
        expand
        layer 1 forward
        refresh 1 by bootstrapping
        layer 1 pre-activation as computed -> layer 1 pre-activation, up to 2.5
        layer 1 activate
        layer 2 forward
        refresh 2 by bootstrapping
        layer 2 pre-activation as computed -> layer 2 pre-activation, up to 2.5
        loss
        layer 2 gradient
        layer 2 backward
        refresh 3 by bootstrapping
        layer 1 gradient of the activation -> layer 1 gradient of the activation, up to 6
        layer 1 derivative
        layer 1 gradient
        update
        prediction:
        refresh 0 by bootstrapping
        weights -> weights, up to 1
        momentum -> momentum, up to 1
        expand
        layer 1 forward
        refresh 1 by bootstrapping
        layer 1 pre-activation as computed -> layer 1 pre-activation, up to 2.5
        layer 1 activate
        layer 2 forward
        layer 2 pre-activation as computed -> the client",
    );
}

#[test]
fn ckks_with_a_client_that_takes_the_backward_pass() {
    let rest = "refresh = { strategy = 'client', backward = 'client', tensors = [] }";
    let program = program(["ckks", "ckks", "ckks", ""], rest, &[]);
    check(
        &program,
        "training:
        expand
        layer 1 forward
        layer 1 activate
        layer 2 forward
        refresh 0 by the client, backward pass
        layer 2 pre-activation as computed -> the client
        weights as computed -> weights, up to 1
        momentum as computed -> momentum, up to 1
        prediction:
        expand
        layer 1 forward
        layer 1 activate
        layer 2 forward
        layer 2 pre-activation as computed -> the client",
    );
    assert!(program.has_client_backward());
}

#[test]
fn bgv_with_tables_and_cleaning() {
    let rest = "loss = 'cross_entropy'\nrefresh.strategy = 'clean'";
    let program = program(["bgv", "tfhe", "bgv", "tfhe"], rest, &[]);
    check(
        &program,
        "training:
        expand
        layer 1 forward
        layer 1 activate
        layer 2 forward
        loss
        layer 2 backward
        layer 1 derivative
        layer 1 gradient
        layer 2 gradient
        update
        refresh 0 by cleaning
        weights as computed -> weights
        prediction:
        expand
        layer 1 forward
        layer 1 activate
        layer 2 forward
        layer 2 pre-activation as computed -> the client",
    );
}

#[test]
fn words_need_no_refresh_and_end_with_an_activation() {
    let program = program(["tfhe", "tfhe", "tfhe", "tfhe"], "refresh.strategy = 'bootstrap'", &[]);
    check(
        &program,
        "training:
        expand
        layer 1 forward
        layer 1 activate
        layer 2 forward
        layer 2 activate
        loss
        layer 2 backward
        layer 1 derivative
        layer 1 gradient
        layer 2 gradient
        update
        prediction:
        expand
        layer 1 forward
        layer 1 activate
        layer 2 forward
        layer 2 activate
        layer 2 activation -> the client",
    );
    let independent: Vec<usize> =
        (0..program.training.len()).map(|at| Step::count_independent(&program.training[at..])).collect();
    assert_eq!(independent, [1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1]);
}

#[test]
fn every_part_of_a_program_changes_its_encoding() {
    let bytes = |program: &Program| {
        let mut out = Writer::new();
        program.encode(&mut out);
        out.finish()
    };
    let first = program(["bgv", "bgv", "bgv", ""], "", &[]);
    let mut others = vec![first.clone(); 7];
    others[0].training.swap(0, 1);
    others[1].prediction.pop();
    others[2].rounds[0][0].rounding.bits = None;
    others[3].rounds[0][0].rounding.bound = 2.25;
    others[4].prove(Tensor::Sum(0), 100.0);
    others[5].rounds[3][0].to.pop();
    others[6].outputs.from = Tensor::Activation(1);
    for other in &others {
        assert_ne!(bytes(other), bytes(&first), "{other}");
    }
}
