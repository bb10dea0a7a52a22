//! Jobs: made of a plan that both sides come to, run, shown and forgotten.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;

use super::api::JobState;
use super::body::{JobBody, Planned};
use super::mailbox::Run;
use super::names::Id;
use super::service::{Granted, Refused, Service};
use super::store::JobRecord;
use super::work::{Work, step_of};

/// Seconds that a plan may take, the wait for others included.
const PLANNING: Duration = Duration::from_secs(120);

impl Service {
    /// A job of a tenant.
    pub(super) fn job(&self, tenant: &str, job: Id) -> Granted<JobRecord> {
        self.store.job(job)?.filter(|record| record.tenant == tenant).ok_or_else(Refused::unknown)
    }

    /// Makes a job under a name that its client drew. The same again is a success.
    pub(super) async fn create(self: Arc<Self>, tenant: String, job: Id, body: JobBody) -> Granted<()> {
        if body.insecure_small.is_some() && !self.limits.insecure_small {
            return Err(unfit("rings without security are for servers of tests"));
        }
        if let Some(known) = self.store.job(job)? {
            return same(&known, &tenant, &body);
        }
        self.check_open()?;
        let planned = self.plan(body.clone());
        let planned = tokio::time::timeout(PLANNING, planned).await;
        let planned =
            planned.map_err(|_| unfit(format!("no plan was found in {} s", PLANNING.as_secs())))??;
        let Planned { recipe, sizes, .. } = &*planned;
        let record = JobRecord { tenant, recipe: recipe.clone(), body, sizes: sizes.clone() };
        let kept = tokio::task::spawn_blocking(move || self.keep(job, &record)).await;
        kept.unwrap_or_else(|_| Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "not kept")))
    }

    async fn plan(&self, body: JobBody) -> Granted<Arc<Planned>> {
        let plans = Arc::clone(&self.plans);
        let permit = Arc::clone(&self.planning).acquire_owned().await;
        let planned = tokio::task::spawn_blocking(move || {
            // Held until the plan is made, though its client may be gone.
            let _permit = permit;
            plans.of(&body).map_err(|error| error.to_string())
        });
        planned.await.map_err(|_| unfit("this recipe cannot be planned"))?.map_err(unfit)
    }

    /// Keeps a job, if it fits.
    fn keep(&self, job: Id, record: &JobRecord) -> Granted<()> {
        let _one_at_a_time = self.creating.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.store.job(job)? {
            return same(&known, &record.tenant, &record.body);
        }
        let room = |what: &str, needed: u64, given: u64| {
            let gigabytes = |bytes: u64| bytes as f64 / 1e9;
            if needed <= given {
                return Ok(());
            }
            let (needed, given) = (gigabytes(needed), gigabytes(given));
            let what = format!("{needed:.1} GB of {what} needed, {given:.1} GB allowed");
            Err(Refused::new(StatusCode::INSUFFICIENT_STORAGE, what))
        };
        room("memory", record.sizes.memory, self.limits.memory)?;
        let mine: Vec<JobRecord> = self.store.jobs()?.into_iter().map(|(_, known)| known).collect();
        let mine: Vec<&JobRecord> = mine.iter().filter(|known| known.tenant == record.tenant).collect();
        if mine.len() >= self.limits.jobs {
            let what = format!("{} jobs are here, the most there may be; delete one", mine.len());
            return Err(Refused::new(StatusCode::INSUFFICIENT_STORAGE, what));
        }
        let disk = |record: &JobRecord| record.sizes.disk(record.body.batches);
        let all = mine.into_iter().map(disk).fold(disk(record), u64::saturating_add);
        room("disk by all jobs", all, self.limits.disk)?;
        self.store.keep_job(job, record)?;
        let (recipe, tenant) = (&record.recipe, &record.tenant);
        self.journal.note("job created", &[("job", &job), ("tenant", tenant), ("recipe", recipe)]);
        Ok(())
    }

    /// Begins a run of a job, under a name that its client drew.
    pub(super) fn begin(self: &Arc<Self>, job: Id, record: JobRecord, id: Id) -> Granted<()> {
        let run = Arc::new(Run::new(id, &record.tenant));
        if !self.install(job, &run)? {
            return Ok(());
        }
        let work = Work {
            job,
            run: Arc::clone(&run),
            store: Arc::clone(&self.store),
            gate: Arc::clone(&self.gate),
            plans: Arc::clone(&self.plans),
            silence: Duration::from_secs(self.limits.silence),
            measures: Arc::clone(&self.measures),
            journal: Arc::clone(&self.journal),
            record,
        };
        self.store.touch(job)?;
        self.journal.note("run begun", &[("job", &job), ("run", &id), ("tenant", &run.tenant)]);
        let started = std::thread::Builder::new().name(format!("job {job}")).spawn(move || work.go());
        started.map(|thread| self.remember(thread)).map_err(|error| {
            run.end("no thread for it");
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, format!("no thread for a run: {error}"))
        })
    }

    /// All jobs of a tenant.
    pub(super) fn shown(&self, tenant: &str) -> Granted<Vec<JobState>> {
        let jobs = self.store.jobs()?.into_iter().filter(|(_, record)| record.tenant == tenant);
        jobs.map(|(job, record)| self.state(job, &record)).collect()
    }

    /// A job as its owner sees it.
    pub(super) fn state(&self, job: Id, record: &JobRecord) -> Granted<JobState> {
        let objects = self.store.objects(job)?;
        Ok(JobState {
            job: job.to_string(),
            recipe: record.recipe.clone(),
            state: self.run(job).map_or_else(|| "idle".to_owned(), |run| run.described()),
            bytes: objects.iter().map(|(_, object)| object.offset).sum(),
            checkpoint: objects.iter().filter_map(|(name, _)| step_of(name)).max(),
        })
    }

    /// Forgets a job of a tenant, for a reason.
    pub(super) fn delete(&self, job: Id, tenant: &str, why: &str) -> Granted<()> {
        self.remove_run(job);
        self.store.forget_job(job)?;
        self.journal.note("job deleted", &[("job", &job), ("tenant", &tenant), ("why", &why)]);
        Ok(())
    }

    /// Forgets the jobs that nobody has used for the days of the limits, as of a time.
    pub(super) fn sweep(&self, now: SystemTime) -> Granted<()> {
        let days = u64::from(self.limits.retention);
        if days == 0 {
            return Ok(());
        }
        for (job, record) in self.store.jobs()? {
            let runs = self.run(job).is_some_and(|run| !run.is_gone());
            let idle = now.duration_since(self.store.used(job)?).unwrap_or_default();
            if !runs && idle > Duration::from_secs(86_400 * days) {
                self.delete(job, &record.tenant, &format!("not used for {days} days"))?;
            }
        }
        Ok(())
    }
}

fn unfit(what: impl Into<String>) -> Refused {
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, what)
}

/// Whether what is asked for is the job that is there: of the same plan, and of no more mini-batches.
fn same(known: &JobRecord, tenant: &str, body: &JobBody) -> Granted<()> {
    if known.tenant != tenant {
        return Err(Refused::unknown());
    }
    if known.body.plan == body.plan && body.batches <= known.body.batches {
        return Ok(());
    }
    Err(Refused::new(StatusCode::CONFLICT, "a job of another plan has this name"))
}
