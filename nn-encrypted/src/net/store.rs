//! The memory of a server: jobs, and the state of uploads and checkpoints, in an embedded transactional database; the bytes themselves as
//! files beside it.
//!
//! ```text
//! DIR/server.redb
//! DIR/jobs/JOB/OBJECT
//! ```
//! A record is written after the bytes it speaks of are on disk, in one transaction, so that it is true whenever the process is
//! killed. A file that no record speaks of, or what lies behind the recorded length, counts for nothing.

use std::fs;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use redb::{Database, ReadableDatabase, TableDefinition};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::body::{JobBody, Sizes};
use super::names::{Id, Object};

const JOBS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("jobs v1");
/// By `JOB/NAME`.
const OBJECTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("objects v1");

/// The file of a job that is written when it is run: no object has its name.
const USED: &str = "used";

/// Why something cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("server.redb: {0}")]
    Database(Box<redb::Error>),
    #[error("server.redb: {0}; it is of another version of the program, or damaged")]
    Record(serde_json::Error),
}

type Result<T> = std::result::Result<T, StoreError>;

fn database(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Database(Box::new(error.into()))
}

/// A job as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct JobRecord {
    /// Whose it is.
    pub(super) tenant: String,
    /// The name of its recipe.
    pub(super) recipe: String,
    /// The request that it was made of.
    pub(super) body: JobBody,
    /// Sizes of its objects.
    pub(super) sizes: Sizes,
}

impl JobRecord {
    /// Bytes of an object, at most; none if the job has no such object.
    pub(super) fn most(&self, object: Object) -> Option<u64> {
        match object {
            Object::Keys(kind) => self.sizes.keys.get(kind).copied(),
            Object::Model => Some(self.sizes.model),
            Object::Batch(number) => (number < self.body.batches).then_some(self.sizes.batch),
            Object::Query => Some(self.sizes.query),
        }
    }
}

/// An upload, or a checkpoint, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ObjectRecord {
    /// Bytes of the whole.
    pub(super) length: u64,
    /// Its BLAKE3 digest, in hexadecimal digits.
    pub(super) digest: String,
    /// Bytes that are there.
    pub(super) offset: u64,
    /// Whether it is whole and its digest was found right.
    pub(super) complete: bool,
}

/// The database and the folder beside it.
pub(super) struct Store {
    root: PathBuf,
    database: Database,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    |source| StoreError::Io { path: path.to_owned(), source }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(StoreError::Record)
}

fn key(job: Id, name: &str) -> String {
    format!("{job}/{name}")
}

impl Store {
    /// Opens what is in a folder, or begins it. One process at a time can.
    pub(super) fn open(root: &Path) -> Result<Self> {
        fs::create_dir_all(root.join("jobs")).map_err(io(root))?;
        let database = Database::create(root.join("server.redb")).map_err(self::database)?;
        let begin = database.begin_write().map_err(self::database)?;
        begin.open_table(JOBS).map_err(self::database)?;
        begin.open_table(OBJECTS).map_err(self::database)?;
        begin.commit().map_err(self::database)?;
        Ok(Self { root: root.to_owned(), database })
    }

    /// The folder of the server.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn get<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, &str, &[u8]>,
        key: &str,
    ) -> Result<Option<T>> {
        let table = self.database.begin_read().map_err(database)?.open_table(table).map_err(database)?;
        let found = table.get(key).map_err(database)?;
        found.map(|bytes| read(bytes.value())).transpose()
    }

    /// All records whose keys begin so.
    fn all<T: DeserializeOwned>(
        &self,
        table: TableDefinition<'_, &str, &[u8]>,
        prefix: &str,
    ) -> Result<Vec<(String, T)>> {
        let table = self.database.begin_read().map_err(database)?.open_table(table).map_err(database)?;
        let mut all = Vec::new();
        for entry in table.range(prefix..).map_err(database)? {
            let (key, value) = entry.map_err(database)?;
            if !key.value().starts_with(prefix) {
                break;
            }
            all.push((key.value().to_owned(), read(value.value())?));
        }
        Ok(all)
    }

    fn put(&self, table: TableDefinition<'_, &str, &[u8]>, key: &str, record: &impl Serialize) -> Result<()> {
        let bytes = serde_json::to_vec(record).map_err(StoreError::Record)?;
        let write = self.database.begin_write().map_err(database)?;
        write.open_table(table).map_err(database)?.insert(key, &bytes[..]).map_err(database)?;
        write.commit().map_err(database)
    }

    /// Removes records in one transaction.
    fn remove(&self, table: TableDefinition<'_, &str, &[u8]>, keys: &[String]) -> Result<()> {
        let write = self.database.begin_write().map_err(database)?;
        {
            let mut table = write.open_table(table).map_err(database)?;
            for key in keys {
                table.remove(&key[..]).map_err(database)?;
            }
        }
        write.commit().map_err(database)
    }

    /// A job, whoever owns it.
    pub(super) fn job(&self, job: Id) -> Result<Option<JobRecord>> {
        self.get(JOBS, &job.to_string())
    }

    /// All jobs.
    pub(super) fn jobs(&self) -> Result<Vec<(Id, JobRecord)>> {
        let all = self.all(JOBS, "")?.into_iter();
        Ok(all.filter_map(|(id, record)| Some((id.parse().ok()?, record))).collect())
    }

    /// Keeps a job.
    pub(super) fn keep_job(&self, job: Id, record: &JobRecord) -> Result<()> {
        let folder = self.folder(job);
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        self.put(JOBS, &job.to_string(), record)
    }

    /// Forgets a job: its records first, so that nothing is left of it that could be asked for.
    pub(super) fn forget_job(&self, job: Id) -> Result<()> {
        self.remove(JOBS, &[job.to_string()])?;
        let objects: Vec<(String, ObjectRecord)> = self.all(OBJECTS, &key(job, ""))?;
        self.remove(OBJECTS, &objects.into_iter().map(|(key, _)| key).collect::<Vec<_>>())?;
        let folder = self.folder(job);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io(&folder)(error)),
            _ => Ok(()),
        }
    }

    /// Notes that a job is used.
    pub(super) fn touch(&self, job: Id) -> Result<()> {
        let path = self.path(job, USED);
        fs::write(&path, []).map_err(io(&path))
    }

    /// When a job was used last: made, uploaded to, run.
    pub(super) fn used(&self, job: Id) -> Result<SystemTime> {
        let folder = self.folder(job);
        let mut last = fs::metadata(&folder).and_then(|of| of.modified()).map_err(io(&folder))?;
        for entry in fs::read_dir(&folder).map_err(io(&folder))? {
            // One that is removed meanwhile was used by whoever removed it.
            let modified = entry.and_then(|entry| entry.metadata()?.modified());
            last = last.max(modified.unwrap_or_else(|_| SystemTime::now()));
        }
        Ok(last)
    }

    /// Bytes of all objects, and whether the disk takes a file.
    pub(super) fn disk(&self) -> Result<u64> {
        let path = self.root.join(".writable");
        fs::write(&path, [0; 4096]).and_then(|()| fs::remove_file(&path)).map_err(io(&path))?;
        let all: Vec<(String, ObjectRecord)> = self.all(OBJECTS, "")?;
        Ok(all.iter().map(|(_, object)| object.offset).sum())
    }

    fn folder(&self, job: Id) -> PathBuf {
        self.root.join("jobs").join(job.to_string())
    }

    fn path(&self, job: Id, name: &str) -> PathBuf {
        self.folder(job).join(name)
    }

    /// An object of a job.
    pub(super) fn object(&self, job: Id, name: &str) -> Result<Option<ObjectRecord>> {
        self.get(OBJECTS, &key(job, name))
    }

    /// All objects of a job by their names.
    pub(super) fn objects(&self, job: Id) -> Result<Vec<(String, ObjectRecord)>> {
        let prefix = key(job, "");
        let all = self.all(OBJECTS, &prefix)?.into_iter();
        Ok(all.map(|(key, record)| (key[prefix.len()..].to_owned(), record)).collect())
    }

    /// Keeps the record of an object.
    pub(super) fn keep_object(&self, job: Id, name: &str, record: &ObjectRecord) -> Result<()> {
        self.put(OBJECTS, &key(job, name), record)
    }

    /// Forgets an object.
    pub(super) fn forget_object(&self, job: Id, name: &str) -> Result<()> {
        self.remove(OBJECTS, &[key(job, name)])?;
        let path = self.path(job, name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Brings bytes of an object to disk at an offset; what was behind is cut off.
    pub(super) fn write_at(&self, job: Id, name: &str, offset: u64, bytes: &[u8]) -> Result<()> {
        let path = self.path(job, name);
        let write = || {
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(false).open(&path)?;
            file.set_len(offset)?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(io(&path))
    }

    /// The digest of the file of an object, read piece by piece.
    pub(super) fn digest(&self, job: Id, name: &str) -> Result<String> {
        let path = self.path(job, name);
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; 1 << 17]);
        let mut file = fs::File::open(&path).map_err(io(&path))?;
        loop {
            let count = file.read(&mut buffer).map_err(io(&path))?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// An object that is whole, to be read.
    pub(super) fn open_object(&self, job: Id, name: &str) -> Result<Option<std::io::Take<fs::File>>> {
        let Some(ObjectRecord { length, complete: true, .. }) = self.object(job, name)? else {
            return Ok(None);
        };
        let path = self.path(job, name);
        Ok(Some(fs::File::open(&path).map_err(io(&path))?.take(length)))
    }

    /// The bytes of an object that is whole.
    pub(super) fn bytes(&self, job: Id, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(mut file) = self.open_object(job, name)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(file.limit() as usize);
        file.read_to_end(&mut bytes).map_err(io(&self.path(job, name)))?;
        Ok(Some(bytes))
    }
}
