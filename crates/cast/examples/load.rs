//! Streams and listeners in real time, and what they cost: `load [streams] [listeners of each] [seconds] [formats]`,
//! formats being names with commas between, `mp3` by default; listeners take the first.
//!
//! Prints the processor time of the casting and recording threads and the memory of the process. Listeners
//! are threads of the same process with small stacks, so the memory includes about 20 kB for each of them.

use cast::{Caster, Format, RecorderSettings, Settings, StreamStart};
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const FIRST: u16 = 15_000;

/// Processor time of the threads of this name, in seconds, and how many there are.
fn processor_s(name: &str) -> Result<f64, Box<dyn Error>> {
    let mut nanoseconds = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim_end() == name {
            let figures = fs::read_to_string(task.join("schedstat"))?;
            nanoseconds += figures.split_whitespace().next().unwrap_or("0").parse::<u64>()?;
        }
    }
    Ok(nanoseconds as f64 / 1e9)
}

fn resident_kb() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    Ok(line.split_whitespace().nth(1).unwrap_or("0").parse()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let formats = std::env::args().nth(4).unwrap_or_else(|| "mp3".to_owned());
    let formats: Vec<Format> = formats.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let extension = formats.first().map_or("ulaw", |format| format.extension());
    let mut arguments = std::env::args().skip(1).take(3).map(|a| a.parse::<u16>());
    let mut next = |default| arguments.next().unwrap_or(Ok(default));
    let (streams, listeners, seconds) = (next(1)?, next(100)?, next(20)?);
    let directory = std::env::temp_dir().join(format!("cast-load-{}", std::process::id()));
    fs::create_dir_all(directory.join("store"))?;
    let recorder = RecorderSettings::new(directory.join("spool"), directory.join("store"), "load");
    let settings = Settings { ports: FIRST..=FIRST + streams - 1, ..Settings::default() };
    let (events, log) = crossbeam_channel::bounded(1000);
    let caster = Caster::launch(settings, Some(recorder), events)?;
    println!("start:     {} kB", resident_kb()?);

    let mut rings = Vec::new();
    for port in FIRST..FIRST + streams {
        let (ring, samples) = rtrb::RingBuffer::new(16_000);
        rings.push(ring);
        let event = format!("{port}");
        let (title, formats, started) = (String::new(), formats.clone(), SystemTime::now());
        caster.start(port, StreamStart { event, title, formats, samples, started, record: true })?;
    }
    thread::spawn(move || {
        let begin = Instant::now();
        for tick in 1u32.. {
            for sample in 0..80u32 {
                let t = f64::from(tick * 80 + sample) / 8000.0;
                let voice = (t * 900.0).sin() + (t * 2500.0).sin() * (t * 20.0).sin() + (t * 7000.0).sin() * 0.3;
                for ring in &mut rings {
                    let _ = ring.push((voice * 6000.0) as i16);
                }
            }
            thread::sleep((begin + Duration::from_millis(10) * tick).saturating_duration_since(Instant::now()));
        }
    });
    thread::sleep(Duration::from_secs(1));
    let before = resident_kb()?;
    for n in 0..usize::from(streams) * usize::from(listeners) {
        let port = FIRST + (n % usize::from(streams)) as u16;
        thread::Builder::new().stack_size(16 * 1024).spawn(move || {
            let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) else { return };
            let _ = write!(socket, "GET /{port}.{extension} HTTP/1.1\r\nHost: load\r\n\r\n");
            let mut octets = [0; 2048];
            while socket.read(&mut octets).is_ok_and(|count| count > 0) {}
        })?;
    }
    thread::sleep(Duration::from_secs(3));
    println!("listening: {} kB, without listeners {before} kB", resident_kb()?);
    let names = ["casting", "record", "record-sync"];
    let begin: Vec<f64> = names.iter().map(|name| processor_s(name)).collect::<Result<_, _>>()?;
    thread::sleep(Duration::from_secs(seconds.into()));
    for (name, begin) in names.iter().zip(begin) {
        let share = (processor_s(name)? - begin) / f64::from(seconds) * 100.0;
        println!("{name}: {share:.3} % of a core");
    }
    for (port, status) in caster.status().into_iter().take(1) {
        println!("{port}: {status:?}");
    }
    caster.shutdown(Duration::from_secs(10));
    log.try_iter().filter(cast::CastEvent::is_trouble).for_each(|event| println!("{event}"));
    fs::remove_dir_all(directory)?;
    Ok(())
}
