//! Command line of encrypted training.
use std::sync::{Arc, Mutex};
use nn_encrypted::{data, plan::Plan, recipe::{Recipe, Model}, roles::*, twin::Twin};

struct Direct { client: Arc<Mutex<Client>>, rows: usize, up: usize, down: usize, client_time: f64 }
impl Link for Direct {
    fn refresh(&mut self, step: u64, round: usize, request: Vec<u8>) -> Result<Vec<u8>, LinkError> {
        self.down += request.len();
        let t = std::time::Instant::now();
        let r = self.client.lock().unwrap().refresh(step, round, self.rows, &request)?;
        self.client_time += t.elapsed().as_secs_f64();
        self.up += r.len();
        Ok(r)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut settings: Vec<String> = std::env::args().skip(1).collect();
    let steps: usize = settings.remove(0).parse()?;
    let dir = std::env::var("DATA_DIR").ok();
    let recipe = Recipe::load("hesamifard2017", &settings)?;
    let prepared = data::prepare(&recipe, dir.as_ref().map(std::path::Path::new))?;
    let network = recipe.network(prepared.features.len(), prepared.classes.len())?;
    let start = std::time::Instant::now();
    let plan = Arc::new(Plan::new(&recipe, &network, i64::from(prepared.bound))?);
    println!("planned in {:?} {:?} {:?} est {}", start.elapsed(), plan.geometry.cube, plan.instances.iter().map(|i| i.spec.clone()).collect::<Vec<_>>(), plan.estimate);
    println!("{:?}", plan.usage);
    println!("{:?}", plan.fresh_limbs);
    let start = std::time::Instant::now();
    let model = Model::initial(&recipe, &network, recipe.seed);
    let client = Client::new(&plan, model)?;
    let keys = client.evaluation_keys()?;
    println!("keys {:?} {} MB", start.elapsed(), keys.iter().map(Vec::len).sum::<usize>() as f64/1e6);
    let start = std::time::Instant::now();
    let mut server = Server::new(&plan, &keys)?;
    println!("server {:?}", start.elapsed());
    server.receive_model(&client.encrypt_model()?)?;
    let batches = data::Batches::new(prepared.train.labels.len(), recipe.optimizer.batch_size, recipe.seed);
    let mut twin = Twin::new(&recipe, &network, recipe.seed);
    let client = Arc::new(Mutex::new(client));
    let mut link = Direct { client: client.clone(), rows: 0, up: 0, down: 0, client_time: 0.0 };
    let mut sent = std::collections::HashSet::new();
    for (step, batch) in batches.schedule(0).take(steps).enumerate() {
        let (x, labels) = prepared.train.select(batches.rows(batch));
        if sent.insert(batch) {
            let bytes = client.lock().unwrap().encrypt_batch(batch, x.view(), &labels)?;
            server.receive_batch(batch, bytes)?;
        }
        link.rows = labels.len();
        let (u, d, c) = (link.up, link.down, link.client_time);
        let t = std::time::Instant::now();
        server.train(step as u64, batch, &mut link)?;
        let t = t.elapsed().as_secs_f64();
        let tt = std::time::Instant::now();
        twin.step(&x, &labels)?;
        let equal = client.lock().unwrap().model() == twin.model();
        println!("step {step}: {:.3}s client {:.3} up {:.2} down {:.2} MB twin {:?} equal {equal} {:?}", t, link.client_time - c, (link.up-u) as f64/1e6, (link.down-d) as f64/1e6, tt.elapsed(), client.lock().unwrap().counts());
    }
    Ok(())
}
