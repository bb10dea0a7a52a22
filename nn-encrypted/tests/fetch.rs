//! Downloads from a server that does what servers do: all of it, half of it, without ranges, something else, too much.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use nn_encrypted::data::{Form, KnownFile};
use nn_encrypted::fetch::{Source, fetch_file};
use sha2::{Digest, Sha256};

/// What the server does with one request.
#[derive(Clone, Copy)]
enum Answer {
    /// All that was asked for; with `ranges` from the byte asked for, which must be one there is.
    Whole { ranges: bool },
    /// So many bytes of it, then it hangs up.
    Broken(usize),
    /// Without saying how long it is.
    Endless,
    /// No such file.
    Missing,
}

fn body() -> Vec<u8> {
    (0..20_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8 | 1).collect()
}

fn file(most_bytes: u64) -> KnownFile {
    let sha256: String = Sha256::digest(body()).iter().map(|byte| format!("{byte:02x}")).collect();
    KnownFile { name: "set.bin", sources: &[], sha256: sha256.leak(), form: Form::Unpacked, most_bytes }
}

/// Serves the answers in turn; gives its address and, at its end, the first byte of each request.
fn serve(content: Vec<u8>, answers: Vec<Answer>) -> (String, thread::JoinHandle<Vec<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/set.bin", listener.local_addr().unwrap());
    let work = move || {
        let mut starts = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let range = head.iter().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
            });
            let asked: usize = range.unwrap_or(0);
            starts.push(asked);
            let from = if matches!(answer, Answer::Whole { ranges: false }) { 0 } else { asked };
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            if from >= content.len() {
                let range = format!("Content-Range: bytes */{}\r\nContent-Length: 0", content.len());
                let head =
                    format!("HTTP/1.1 416 Range Not Satisfiable\r\n{range}\r\nConnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).unwrap();
                continue;
            }
            let rest = &content[from..];
            let range = format!("Content-Range: bytes {from}-{}/{}\r\n", content.len() - 1, content.len());
            let range = if from > 0 { range.as_str() } else { "" };
            let length = format!("Content-Length: {}\r\n{range}Connection: close\r\n\r\n", rest.len());
            let (head, sent) = match answer {
                Answer::Whole { .. } => (format!("HTTP/1.1 {status}\r\n{length}"), rest),
                Answer::Broken(bytes) => (format!("HTTP/1.1 {status}\r\n{length}"), &rest[..bytes]),
                Answer::Endless => (format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n"), rest),
                Answer::Missing => (
                    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
                    &rest[..0],
                ),
            };
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
        }
        starts
    };
    (url, thread::spawn(work))
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("nn-encrypted-fetch-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

/// The result of fetching from servers with these contents and answers, the requests they saw, and the files left.
fn fetched(
    name: &str,
    most_bytes: u64,
    servers: Vec<(Vec<u8>, Vec<Answer>)>,
) -> (Result<(), String>, Vec<Vec<usize>>, Vec<String>) {
    let folder = folder(name);
    let (urls, threads): (Vec<_>, Vec<_>) =
        servers.into_iter().map(|(content, answers)| serve(content, answers)).unzip();
    let sources: Vec<Source<'_>> = urls.iter().map(|url| Source { url }).collect();
    let result = fetch_file(&file(most_bytes), &sources, &folder, |_| ());
    if let Ok(path) = &result {
        assert_eq!(fs::read(path).unwrap(), body());
    }
    let seen = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let left = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left = left.collect();
    fs::remove_dir_all(&folder).unwrap();
    (result.map(|_| ()).map_err(|error| error.to_string()), seen, left)
}

const MOST: u64 = 1 << 20;
const WHOLE: Answer = Answer::Whole { ranges: true };

#[test]
fn a_whole_download_gets_its_name() {
    let (result, seen, left) = fetched("whole", MOST, vec![(body(), vec![WHOLE])]);
    assert_eq!((result, seen, left), (Ok(()), vec![vec![0]], vec!["set.bin".to_owned()]));
    let (result, ..) = fetched("endless", MOST, vec![(body(), vec![Answer::Endless])]);
    assert_eq!(result, Ok(()));
}

#[test]
fn a_broken_download_goes_on_where_it_broke() {
    let answers = vec![Answer::Broken(7000), Answer::Broken(5000), WHOLE];
    let (result, seen, left) = fetched("broken", MOST, vec![(body(), answers)]);
    assert_eq!((result, left), (Ok(()), vec!["set.bin".to_owned()]));
    assert_eq!(seen, [[0, 7000, 12_000]]);
}

#[test]
fn a_part_waits_for_the_next_call() {
    let folder = folder("part");
    let file = file(MOST);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}/set.bin");
    // Nobody listens: no file, no part.
    let error = fetch_file(&file, &[Source { url: &url }], &folder, |_| ()).unwrap_err().to_string();
    assert!(error.starts_with("set.bin cannot be fetched:\n  http://"), "{error}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    // Broken off twice without coming further: the part stays.
    let (url, server) = serve(body(), vec![Answer::Broken(9000), Answer::Broken(0), WHOLE]);
    let source = [Source { url: &url }];
    let error = fetch_file(&file, &source, &folder, |_| ()).unwrap_err().to_string();
    assert!(error.contains(&url), "{error}");
    let part = fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    assert_eq!(part.metadata().unwrap().len(), 9000);
    assert!(part.file_name().into_string().unwrap().ends_with(".part"));
    let path = fetch_file(&file, &source, &folder, |_| ()).unwrap();
    assert_eq!((fs::read(path).unwrap(), server.join().unwrap()), (body(), vec![0, 9000, 9000]));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    fs::remove_dir_all(&folder).unwrap();
}

/// Stopped between the last byte and the new name, or after bytes that no file has there.
#[test]
fn a_part_as_long_as_the_file_is_looked_at_and_a_longer_one_begins_anew() {
    let file = file(MOST);
    for (name, extra, starts) in [("complete", 0, vec![20_000]), ("longer", 5, vec![20_005, 0])] {
        let folder = folder(name);
        // The part gets its name from the place.
        let (url, server) = serve(
            body(),
            [vec![Answer::Broken(9000), Answer::Broken(0)], vec![WHOLE; starts.len()]].concat(),
        );
        let source = [Source { url: &url }];
        fetch_file(&file, &source, &folder, |_| ()).unwrap_err();
        let part = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        fs::write(&part, [body(), vec![1; extra]].concat()).unwrap();
        let path = fetch_file(&file, &source, &folder, |_| ()).unwrap();
        assert_eq!(fs::read(path).unwrap(), body());
        assert_eq!(server.join().unwrap(), [vec![0, 9000], starts].concat());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let answers = vec![Answer::Broken(7000), Answer::Whole { ranges: false }];
    let (result, seen, _) = fetched("ranges", MOST, vec![(body(), answers)]);
    assert_eq!((result, seen), (Ok(()), vec![vec![0, 7000]]));
}

#[test]
fn a_wrong_file_is_refused_and_the_next_place_asked() {
    let mut other = body();
    other[500] ^= 2;
    let (result, _, left) = fetched("wrong", MOST, vec![(other.clone(), vec![WHOLE])]);
    let error = result.unwrap_err();
    assert!(error.contains("SHA-256") && error.contains(file(MOST).sha256), "{error}");
    assert_eq!(left, Vec::<String>::new());
    let places = vec![(body(), vec![Answer::Missing]), (other, vec![WHOLE]), (body(), vec![WHOLE])];
    let (result, _, left) = fetched("mirror", MOST, places);
    assert_eq!((result, left), (Ok(()), vec!["set.bin".to_owned()]));
}

#[test]
fn too_much_is_refused() {
    for (name, answer) in [("offered", WHOLE), ("sent", Answer::Endless)] {
        let (result, _, left) = fetched(name, 19_999, vec![(body(), vec![answer])]);
        let error = result.unwrap_err();
        assert!(error.contains("more than 19999 bytes"), "{error}");
        assert_eq!(left, Vec::<String>::new());
    }
}

#[test]
fn a_file_that_unpacks_to_too_much_is_refused() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![0; 1 << 21]).unwrap();
    let (result, _, left) = fetched("bomb", MOST, vec![(packed.finish().unwrap(), vec![WHOLE])]);
    assert!(result.unwrap_err().contains("unpacks to more than 1048576 bytes"));
    assert_eq!(left, Vec::<String>::new());
}
