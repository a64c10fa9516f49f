//! The other programs: where they are installed, and how they are asked.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is installed. The last is for the independent security module that tests of the protocol speak with.
const PACKAGES: &[&str] = &["psec==1.3.0", "pyemv==1.5.0", "pycryptodome"];

/// The Python of an environment that has them: the one named by SEKISHO_PYTHON, or one made under the target folder.
///
/// # Errors
/// Why there is none, in words.
pub(crate) fn environment() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("SEKISHO_PYTHON").map(PathBuf::from) {
        return if has_them(&named) {
            Ok(named)
        } else {
            Err(format!("{} lacks psec or pyemv", named.display()))
        };
    }
    let program = std::env::current_exe().map_err(|error| format!("where this program lies: {error}"))?;
    let target = program.parent().and_then(Path::parent).ok_or("this program lies in no target folder")?;
    let folder = target.join("differential-venv");
    let python = folder.join("bin/python");
    if !has_them(&python) {
        println!("installing {} into {}", PACKAGES.join(", "), folder.display());
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "python3 -m venv")?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"]);
        run(pip.args(PACKAGES), "pip install (is there a network?)")?;
    }
    if has_them(&python) { Ok(python) } else { Err("the packages were installed and cannot be used".into()) }
}

fn has_them(python: &Path) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import psec, pyemv"]).stderr(Stdio::null()).stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{what}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what} failed: {}", said.lines().last().unwrap_or("and said nothing")))
}

/// All answers to all questions, in order.
///
/// # Errors
/// What went wrong, in words; fewer answers than questions are an error too.
pub(crate) fn ask<'a>(
    python: &Path,
    questions: impl Iterator<Item = &'a str>,
) -> Result<Vec<String>, String> {
    let text: String = questions.flat_map(|question| [question, "\n"]).collect();
    let count = text.lines().count();
    let mut child = Command::new(python)
        .args(["-W", "ignore", "-c", include_str!("others.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut input = child.stdin.take().ok_or("no way in")?;
    // Both sides would wait for each other over full pipes if one thread did both.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let written = writer.join().map_err(|_| "the writer failed")?;
    written.map_err(|error| format!("not all was asked: {error}"))?;
    let answers: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    if answers.len() == count {
        Ok(answers)
    } else {
        Err(format!("{} answers to {count} questions", answers.len()))
    }
}
