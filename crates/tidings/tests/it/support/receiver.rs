//! A receiver that keeps what arrives, apart from the program's own.

use std::{
    io::{BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{http::Message, wait_for};

/// What it answers.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// This status, after this time.
    Status(u16, Duration),
    /// Nothing, ever.
    Silence,
}

/// A receiver on 127.0.0.1.
pub struct Receiver {
    pub url: String,
    arrived: Arc<Mutex<Vec<Message>>>,
    answer: Arc<Mutex<Answer>>,
    stop: Arc<AtomicBool>,
}

impl Receiver {
    pub fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver {
            url: format!("http://{}/hook?tenant=acme", listener.local_addr().unwrap()),
            arrived: Arc::default(),
            answer: Arc::new(Mutex::new(Answer::Status(200, Duration::ZERO))),
            stop: Arc::default(),
        };
        let (arrived, answer) = (Arc::clone(&receiver.arrived), Arc::clone(&receiver.answer));
        let stop = Arc::clone(&receiver.stop);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (arrived, answer) = (Arc::clone(&arrived), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &arrived, &answer));
            }
        });
        receiver
    }

    pub fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub fn arrived(&self) -> Vec<Message> {
        self.arrived.lock().unwrap().clone()
    }

    /// Waits until so many have arrived, and gives all.
    pub fn wait_for(&self, count: usize) -> Vec<Message> {
        wait_for(&format!("{count} requests"), || {
            let arrived = self.arrived();
            (arrived.len() >= count).then_some(arrived)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the loop that accepts.
        let address = self.url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let _woken = TcpStream::connect(address);
    }
}

fn serve(stream: TcpStream, arrived: &Mutex<Vec<Message>>, answer: &Mutex<Answer>) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(message) = Message::read(&mut reader) {
        let present = *answer.lock().unwrap();
        arrived.lock().unwrap().push(message);
        match present {
            Answer::Status(status, delay) => {
                std::thread::sleep(delay);
                let text = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
                if writer.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            // Until the other side is gone.
            Answer::Silence => {}
        }
    }
}
