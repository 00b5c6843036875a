//! A MariaDB server of the test's own: its own data directory, a free port on the loopback interface, an account of
//! its own, ended with the test. It runs as `nobody` when the test runs as root, because it refuses to run as root.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use mysql_async::{Conn, Opts, prelude::Queryable};

use super::{PATIENCE, eventually};

const INSTALL: &str = "apt-get install -y mariadb-server-core mariadb-client-core";

pub struct MariaDb {
    directory: tempfile::TempDir,
    port: u16,
    server: Option<Child>,
}

impl MariaDb {
    /// A server with the database `shop` and the account `jane` with all rights on it.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut database = Self { directory, port: 0, server: None };
        database.install();
        // Between choosing a free port and listening on it another server may take it: choose again.
        for attempt in 1.. {
            database.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if database.launch().await {
                break;
            }
            assert!(attempt < 5, "MariaDB ends:\n{}", database.log());
        }
        database.execute("CREATE DATABASE shop").await;
        database.execute("CREATE USER jane@'%' IDENTIFIED BY 's3cret'").await;
        database.execute("GRANT ALL ON shop.* TO jane@'%'").await;
        database
    }

    pub fn url(&self) -> String {
        format!("mysql://jane:s3cret@127.0.0.1:{}/shop", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts the server, again on the same port and data, and waits until it answers.
    pub async fn resume(&mut self) {
        assert!(self.launch().await, "MariaDB ends:\n{}", self.log());
    }

    /// Whether the server runs; false when it has ended by itself.
    async fn launch(&mut self) -> bool {
        let log = File::create(self.directory.path().join("log")).unwrap();
        let mut command = Command::new(find("mariadbd"));
        self.common(&mut command)
            .arg("--bind-address=127.0.0.1")
            .arg(format!("--port={}", self.port))
            .arg(format!("--socket={}", self.directory.path().join("socket").display()))
            .args(["--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--performance-schema=OFF"])
            .args(["--skip-log-bin", "--max-connections=50"])
            .stdout(Stdio::null())
            .stderr(log);
        let mut server = command.spawn().unwrap();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.answers().await {
            if server.try_wait().unwrap().is_some() {
                return false;
            }
            if tokio::time::Instant::now() > deadline {
                server.kill().unwrap();
                panic!("MariaDB does not answer:\n{}", self.log());
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        self.server = Some(server);
        true
    }

    /// Whether this server answers, and not another one at its port.
    async fn answers(&self) -> bool {
        let Ok(mut conn) = Conn::new(self.root()).await else { return false };
        let data: Option<String> = conn.query_first("SELECT @@datadir").await.unwrap_or_default();
        data.is_some_and(|data| Path::new(&data).starts_with(self.directory.path()))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Ends the server as a power cut of its process would.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Ends the server in order.
    pub async fn shut_down(&mut self) {
        // The server may close the connection before its answer has left.
        let _ = self.connection().await.query_drop("SHUTDOWN").await;
        let mut server = self.server.take().unwrap();
        eventually("the server ends", || server.try_wait().unwrap()).await;
    }

    /// Runs a statement as root.
    pub async fn execute(&self, sql: &str) {
        Conn::new(self.root()).await.unwrap().query_drop(sql).await.unwrap();
    }

    /// The first column of every row, sorted.
    pub async fn column(&self, sql: &str) -> Vec<String> {
        let mut found: Vec<String> = Conn::new(self.root()).await.unwrap().query(sql).await.unwrap();
        found.sort();
        found
    }

    /// A connection as root, for tests that hold locks.
    pub async fn connection(&self) -> Conn {
        Conn::new(self.root()).await.unwrap()
    }

    fn root(&self) -> Opts {
        Opts::from_url(&format!("mysql://root@127.0.0.1:{}/?prefer_socket=false", self.port)).unwrap()
    }

    fn install(&self) {
        let data = self.directory.path();
        if is_root() {
            let owned = Command::new("chown").arg("nobody").arg(data).status().unwrap();
            assert!(owned.success());
        }
        let mut command = Command::new(find("mariadb-install-db"));
        self.common(&mut command).args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        let installed = command.arg("--innodb-log-file-size=8M").output().unwrap();
        let told = [&*installed.stdout, &*installed.stderr].concat();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&told));
    }

    fn common<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .arg("--no-defaults")
            .arg(format!("--datadir={}", self.directory.path().join("data").display()));
        if is_root() {
            command.arg("--user=nobody");
        }
        // A server clears its directory of temporary files when it starts, its neighbours' files included.
        command.env("TMPDIR", self.directory.path())
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

fn find(program: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default();
    let directories =
        path.split(':').map(Path::new).chain([Path::new("/usr/sbin"), Path::new("/usr/local/sbin")]);
    let found = directories.map(|directory| directory.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("{program} is missing; this test needs a real MariaDB. Install it with: {INSTALL}")
    })
}
