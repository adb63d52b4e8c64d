//! The command line as a user runs it: arguments, formats, streams and exit codes.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};
use medley_integration_tests::stores;

/// Runs the program over the four live stores.
async fn medley(arguments: &[&str], input: &str) -> Result<Output> {
    stores::ready().await?;
    let config = tempfile::NamedTempFile::with_suffix(".toml")?;
    std::fs::write(config.path(), stores::config_text())?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_medley"))
        .args(["--config".as_ref(), config.path()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("stdin")?.write_all(input.as_bytes())?;
    Ok(child.wait_with_output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_gives_the_rows_on_stdout_and_the_count_on_stderr() -> Result<()> {
    let sql = "SELECT r_regionkey AS k, r_name AS n, CAST(NULL AS INT) AS x FROM pg.region WHERE r_regionkey < 2 ORDER BY 1";
    for (format, expected) in [
        ("csv", "k,n,x\n0,AFRICA,\n1,AMERICA,\n"),
        ("json", "[{\"k\":0,\"n\":\"AFRICA\",\"x\":null},{\"k\":1,\"n\":\"AMERICA\",\"x\":null}]"),
        (
            "ndjson",
            "{\"k\":0,\"n\":\"AFRICA\",\"x\":null}\n{\"k\":1,\"n\":\"AMERICA\",\"x\":null}\n",
        ),
        (
            "markdown",
            "| k | n | x |\n|---|---|---|\n| 0 | AFRICA | NULL |\n| 1 | AMERICA | NULL |\n",
        ),
    ] {
        let output = medley(&["--format", format, "-c", sql], "").await?;
        assert_eq!(
            text(&output.stdout).trim_end(),
            expected.trim_end(),
            "{format}: {}",
            text(&output.stderr)
        );
        assert!(text(&output.stderr).starts_with("(2 rows, "), "{format}");
    }
    let table = medley(&["--format", "table", "-c", sql], "").await?;
    assert!(text(&table.stdout).contains("| 0 | AFRICA  | NULL |"), "{}", text(&table.stdout));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_and_arrow_read_back_as_they_were_written() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for file in ["r.parquet", "r.arrow"] {
        let path = folder.path().join(file);
        let path = path.to_str().context("a path")?;
        let written = medley(&["-c", "SELECT * FROM docs.region", "--output", path], "").await?;
        assert!(written.status.success(), "{}", text(&written.stderr));
        let script = format!("ATTACH '{path}' AS f; SELECT count(*), min(r_name) FROM f.r");
        let read = medley(&["-q", "-c", &script], "").await?;
        assert_eq!(
            text(&read.stdout).lines().nth(1),
            Some("5,AFRICA"),
            "{file}: {}",
            text(&read.stderr)
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_come_from_arguments_files_and_stdin() -> Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "SELECT 1 AS a; -- one\nSELECT 2 AS b;")?;
    let output = medley(&["-q", "-f", file.path().to_str().context("a path")?], "").await?;
    assert_eq!(text(&output.stdout), "a\n1\nb\n2\n");
    let output = medley(&["-q"], "SELECT 3 AS c").await?;
    assert_eq!(text(&output.stdout), "c\n3\n");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_failure_has_its_exit_code() -> Result<()> {
    let code = async |arguments: &[&str]| -> Result<(Option<i32>, String)> {
        let output = medley(arguments, "").await?;
        assert!(output.stdout.is_empty() || output.status.success(), "{}", text(&output.stdout));
        Ok((output.status.code(), text(&output.stderr)))
    };
    assert_eq!(code(&["-c", "SELECT 1", "--no-such-flag"]).await?.0, Some(2));
    let (status, message) = code(&["-c", "SELEC 1"]).await?;
    assert_eq!(status, Some(1));
    assert!(message.contains("line 1: SELEC 1\n        ^"), "{message}");
    assert_eq!(code(&["-c", "SELECT nope FROM pg.region"]).await?.0, Some(1));
    let attach = "ATTACH 'postgres://a:b@127.0.0.1:1/x' AS down; SELECT * FROM down.t";
    assert_eq!(code(&["-c", attach]).await?.0, Some(4));
    assert_eq!(
        code(&["-c", "ATTACH 'redis://h' AS x (nonsense 1); SELECT * FROM x.y"]).await?.0,
        Some(3)
    );
    assert_eq!(code(&["-f", "/no/such/file.sql"]).await?.0, Some(3));
    assert_eq!(code(&["-c", "SELECT CAST('x' AS INT)"]).await?.0, Some(6));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_needs_no_server_and_shows_its_answers() -> Result<()> {
    let output = medley(&["demo"], "").await?;
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for word in ["sqlite", "files", "SELECT", "cargo xtask live"] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    Ok(())
}
