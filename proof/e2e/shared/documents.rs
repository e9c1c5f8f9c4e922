//! Compares what documents quote with what programs print.

use std::fs;

use build::root;
use xtask::code_blocks::console;

/// Returns whether `readme` quotes a line of what an engine `said`, with ID in place of the container's ID.
pub fn has_quoted(readme: &str, said: &str) -> bool {
    let readme = fs::read_to_string(root().join(readme)).expect("a file");
    let is_id = |word: &str| word.len() == 64 && word.chars().all(|digit| digit.is_ascii_hexdigit());
    said.lines().any(|line| {
        let ids = line.split([':', ' ', '"']).filter(|word| is_id(word));
        let line = ids.fold(line.to_owned(), |line, id| line.replace(id, "ID"));
        readme.lines().filter_map(|quoted| quoted.strip_prefix("    ")).any(|quoted| line.contains(quoted))
    })
}

/// Returns the parts of docs/pod-by-hand.md: what it does with Docker, and what it does in Kubernetes.
pub fn by_hand() -> [String; 2] {
    let page = fs::read_to_string(root().join("docs/pod-by-hand.md")).expect("a file");
    let (docker, kubernetes) = page.split_once("\n## 5. ").expect("section 5");
    [docker, kubernetes].map(str::to_owned)
}

/// Returns what `ps` shows in a Kubernetes pod, as docs/pod-by-hand.md prints it, normalized.
pub fn processes_of_a_pod() -> String {
    let [_, page] = by_hand();
    let mut commands = console(&page).into_iter();
    normalized(&commands.find(|(command, _)| command.contains("-- ps ")).expect("ps in a container").1)
}

/// Returns `printed` without what differs from run to run: IDs, PIDs other than 1, and repeated lines of equal
/// processes.
pub fn normalized(printed: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in printed.lines() {
        // Where `crictl pods` prints an ID and an age.
        let line = line.split_once(" ago ").map_or(line, |(_, rest)| rest);
        let is_id = |word: &str| word.len() == 64 && word.chars().all(|digit| digit.is_ascii_hexdigit());
        let is_pid = |word: &str| line.starts_with(' ') && word != "1" && word.parse::<u32>().is_ok();
        let words = line.split_whitespace().enumerate().map(|(index, word)| match word {
            id if is_id(id) => "ID",
            pid if index == 0 && is_pid(pid) => "PID",
            // N in the column STAT means that nice started these tests, and so the engines.
            "SN" | "ZN" | "RN" if index == 1 => &word[..1],
            word => word,
        });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.dedup_by(|next, line| next == line && line.starts_with("PID "));
    lines.join("\n")
}
